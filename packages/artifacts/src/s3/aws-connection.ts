import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { rememberSecret } from "@skein/contract";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import {
  type Agents,
  type ConnectionCredentials,
  type ConnectionOptions,
  FALLBACK_REGION,
} from "./connection-options.ts";

const CONNECT_TIMEOUT_MS = 10_000;

const silently = (): void => {};
const SILENT = { debug: silently, warn: silently, error: silently } as NonNullable<S3ClientConfig["logger"]>;

/** The SDK's clients for one set of connection options: one per region, sharing sockets and credentials. */
export interface AwsConnection {
  readonly options: ConnectionOptions;
  readonly region: string;
  client(region: string): S3Client;
  close(): void;
}

/**
 * @param idleTimeoutMs a socket on which nothing happens for this long is dead
 * @param clockOffsetMs what others have learnt of the server's clock, less ours. The SDK cannot learn it from a refusal
 *   without a body, as that of a HEAD is
 */
export function createAwsConnection(
  options: ConnectionOptions,
  agents: Agents,
  idleTimeoutMs: number,
  clockOffsetMs: () => number = () => 0,
): AwsConnection {
  const requestHandler = new NodeHttpHandler({
    httpAgent: agents.http,
    httpsAgent: agents.https,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: idleTimeoutMs,
  });
  const region = options.region || FALLBACK_REGION;
  const credentials = credentialsConfig(options.credentials, region);
  const clients = new Map<string, S3Client>();
  let systemClockOffset = clockOffsetMs();
  const client = (ofRegion: string): S3Client => {
    if (clockOffsetMs() !== systemClockOffset) {
      systemClockOffset = clockOffsetMs();
      for (const one of clients.values()) one.config.systemClockOffset = systemClockOffset;
    }
    const known = clients.get(ofRegion);
    if (known) return known;
    const made = new S3Client({
      ...credentials,
      region: ofRegion,
      systemClockOffset,
      ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
      forcePathStyle: options.forcePathStyle,
      requestHandler,
      // Retries are ours: the SDK's would start a 40 GB object again, and be invisible in the trace.
      maxAttempts: 1,
      // Stores other than Amazon's refuse or store the checksums the SDK adds by default.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      // A store that does not know `Expect: 100-continue` would cost six seconds per request.
      expectContinueHeader: false,
      customUserAgent: "skein",
      // Requests of one kind share their middleware; nothing is added to it later.
      cacheMiddleware: true,
      // With no `info` the SDK does not put together what it would log, which costs it 3 % of a small request.
      logger: SILENT,
    });
    clients.set(ofRegion, made);
    return made;
  };
  return {
    options,
    region,
    client,
    close: () => {
      for (const one of clients.values()) one.destroy();
    },
  };
}

function credentialsConfig(
  credentials: ConnectionCredentials,
  region: string,
): Pick<S3ClientConfig, "credentials"> {
  switch (credentials.type) {
    case "static": {
      const { accessKey, secretKey, sessionToken } = credentials;
      return {
        credentials: {
          // A line end at the end of a secret is never part of a key (contract §22.18).
          accessKeyId: accessKey.reveal().trim(),
          secretAccessKey: secretKey.reveal().trim(),
          ...(sessionToken && { sessionToken: sessionToken.reveal().trim() }),
        },
      };
    }
    case "role":
      return {
        credentials: async (identity) => {
          // 100 ms of import that only this kind of location pays.
          const { fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
          const provider = fromTemporaryCredentials({
            params: { RoleArn: credentials.roleArn, RoleSessionName: "skein" },
            clientConfig: { region },
          });
          const temporary = await provider(identity);
          rememberSecret(temporary.secretAccessKey);
          if (temporary.sessionToken) rememberSecret(temporary.sessionToken);
          return temporary;
        },
      };
    case "chain":
      return {};
  }
}
