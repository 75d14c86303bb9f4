import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Environment } from "@skein/contract";
import type { AwsConnection } from "./aws-connection.ts";
import { type Agents, type ConnectionOptions, FALLBACK_REGION } from "./connection-options.ts";
import { type SigningCredentials, SigV4Signer } from "./sigv4.ts";

export interface ConnectionSettings {
  /** Connections per store at most. The SDK's own default of 50 would hold back many small objects. */
  maxSockets: number;
  /** A socket on which nothing happens for this long is dead. */
  idleTimeoutMs: number;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up. */
  proxyEnv: Environment;
}

/** What all artifacts that are reached the same way share: sockets, credentials, what was learnt of the server's clock. */
export class S3Connection {
  readonly options: ConnectionOptions;
  readonly agents: Agents;
  readonly signer = new SigV4Signer();
  readonly idleTimeoutMs: number;
  /** The server's clock, less ours. */
  clockOffsetMs = 0;
  #sdk: Promise<AwsConnection> | undefined;

  constructor(options: ConnectionOptions, settings: ConnectionSettings) {
    this.options = options;
    this.idleTimeoutMs = settings.idleTimeoutMs;
    const agentOptions = {
      keepAlive: true,
      maxSockets: settings.maxSockets,
      proxyEnv: { ...settings.proxyEnv },
      ...(options.ca && { ca: options.ca.reveal() }),
    };
    this.agents = { http: new HttpAgent(agentOptions), https: new HttpsAgent(agentOptions) };
  }

  get region(): string {
    return this.options.region || FALLBACK_REGION;
  }

  /** The SDK's clients, over the same sockets. Loading it takes longest of all, so that is left until it is needed. */
  sdk(): Promise<AwsConnection> {
    this.#sdk ??= import("./aws-connection.ts").then(({ createAwsConnection }) =>
      createAwsConnection(this.options, this.agents, this.idleTimeoutMs, () => this.clockOffsetMs),
    );
    return this.#sdk;
  }

  /** Keys that the location names, at once; all others come from the SDK's chain, which renews them. */
  async credentials(): Promise<SigningCredentials> {
    const { credentials } = this.options;
    if (credentials.type === "static") {
      const { accessKey, secretKey, sessionToken } = credentials;
      return {
        // A line end at the end of a secret is never part of a key (contract §22.18).
        accessKeyId: accessKey.reveal().trim(),
        secretAccessKey: secretKey.reveal().trim(),
        sessionToken: sessionToken?.reveal().trim(),
      };
    }
    return (await this.sdk()).client(this.region).config.credentials();
  }

  async close(): Promise<void> {
    (await this.#sdk)?.close();
    this.agents.http.destroy();
    this.agents.https.destroy();
  }
}
