import { Agent as HttpsAgent } from "node:https";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { S3Location } from "@skein/contract";
import { translateNetworkError } from "../node-errors.ts";
import type { SecretReader } from "../secret-reader.ts";
import { connectionOptions } from "./connection-options.ts";
import { DirectObjectStore } from "./direct-object-store.ts";
import { chooseEncryption } from "./encryption.ts";
import { exchange } from "./http-exchange.ts";
import { unfinishedUploadDays } from "./lifecycle.ts";
import type { ObjectStore } from "./object-store.ts";
import { type ConnectionSettings, S3Connection } from "./s3-connection.ts";

/** What a store shows to whoever comes without credentials. */
export interface StoreGreeting {
  /** HTTP status of an unsigned `HEAD` of the bucket; hardly ever 200. */
  status: number;
  /** The server's clock, less ours, halfway between question and answer; undefined when it does not say its time. */
  clockOffsetMs: number | undefined;
  /** Of the `Server` header. */
  server: string | undefined;
  /** `x-amz-bucket-region`, which Amazon sends whoever asks. */
  region: string | undefined;
  certificate: StoreCertificate | undefined;
}

export interface StoreCertificate {
  subject: string;
  issuer: string;
  expiresAt: Date;
}

/** One bucket, reached as transfers reach it, with what is decided and learnt on the way. */
export interface InspectedStore {
  /** Single requests, never retried but for what a store's answer corrects: region and clock. */
  requests: Pick<ObjectStore, "put" | "get" | "head" | "list" | "delete">;
  /** The bucket's address: `https://s3.eu-west-1.amazonaws.com/bucket`, or with the bucket in the host. */
  readonly address: URL;
  addressing: "path" | "virtual-hosted";
  /** For messages; never a credential. */
  credentialSource: string;
  /** What requests are signed for: that of the location, or what the store has named meanwhile. */
  readonly region: string;
  /** What signed requests have learnt of the server's clock from a refusal; 0 without one. */
  readonly clockOffsetMs: number;
  /** Gets credentials where the location names none. @throws ArtifactError `s3.no_credentials` */
  authenticate(signal: AbortSignal): Promise<void>;
  /**
   * Days after which a rule of the bucket ends an upload of this key that nobody has completed; undefined without such a rule.
   *
   * @throws ArtifactError where the rules may not be read, or the store has no such thing
   */
  unfinishedUploadDays(key: string, options: { signal: AbortSignal }): Promise<number | undefined>;
  /** One unsigned request. @throws ArtifactError `network.*` */
  greet(signal: AbortSignal): Promise<StoreGreeting>;
  /** The certificate that the server shows, trusted or not; undefined for plain HTTP. */
  shownCertificate(signal: AbortSignal): Promise<StoreCertificate | undefined>;
  close(): Promise<void>;
}

/** See `inspectStore`. */
export async function openInspectedStore(
  at: S3Location,
  readSecret: SecretReader,
  settings: ConnectionSettings,
): Promise<InspectedStore> {
  const options = await connectionOptions(at, readSecret);
  const connection = new S3Connection(options, settings);
  const bucket = at.bucket ?? "";
  const store = new DirectObjectStore({
    connection,
    bucket,
    encryption: await chooseEncryption(at, readSecret),
  });
  const ask = async (signal: AbortSignal, agent: HttpsAgent | undefined) => {
    const url = store.bucketAddress;
    const { http, https } = connection.agents;
    const isPlain = url.protocol === "http:";
    return await exchange({
      origin: { isPlain, hostname: url.hostname, port: url.port },
      path: url.pathname,
      method: "HEAD",
      headers: { host: url.host, "user-agent": "skein" },
      agent: isPlain ? http : (agent ?? https),
      idleTimeoutMs: connection.idleTimeoutMs,
      signal,
    });
  };
  return {
    requests: store,
    get address() {
      return store.bucketAddress;
    },
    addressing: options.forcePathStyle ? "path" : "virtual-hosted",
    credentialSource: options.credentialSource,
    get region() {
      return store.region;
    },
    get clockOffsetMs() {
      return connection.clockOffsetMs;
    },
    authenticate: (signal) => store.authenticate(signal),
    unfinishedUploadDays: async (key, by) => unfinishedUploadDays(await store.lifecycleRules(by), key),
    async greet(signal) {
      const askedAt = Date.now();
      try {
        const answer = await ask(signal, undefined);
        answer.resume();
        const { date, server, "x-amz-bucket-region": region } = answer.headers;
        return {
          status: answer.statusCode ?? 0,
          clockOffsetMs: offsetOf(date, (askedAt + Date.now()) / 2),
          server: server?.toString(),
          region: region?.toString(),
          certificate: certificateOf(answer.socket as Partial<TLSSocket>),
        };
      } catch (error) {
        signal.throwIfAborted();
        throw translateNetworkError(error, `cannot reach ${store.bucketAddress.origin}`) ?? error;
      }
    },
    async shownCertificate(signal) {
      if (store.bucketAddress.protocol === "http:") return undefined;
      // Only looked at: nothing that is secret goes over this connection.
      const unchecked = new HttpsAgent({ proxyEnv: { ...settings.proxyEnv }, rejectUnauthorized: false });
      try {
        const answer = await ask(signal, unchecked);
        answer.resume();
        return certificateOf(answer.socket as Partial<TLSSocket>);
      } finally {
        unchecked.destroy();
      }
    },
    close: () => connection.close(),
  };
}

/** A `Date` header has whole seconds, so half of one is added. */
function offsetOf(date: string | undefined, nowMs: number): number | undefined {
  const servedMs = Date.parse(date ?? "");
  return Number.isNaN(servedMs) ? undefined : Math.round(servedMs + 500 - nowMs);
}

function certificateOf(socket: Partial<TLSSocket>): StoreCertificate | undefined {
  const certificate = socket.getPeerCertificate?.();
  if (!certificate?.valid_to) return undefined;
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    expiresAt: new Date(certificate.valid_to),
  };
}

function nameOf({ CN, O, OU }: PeerCertificate["subject"]): string {
  const name = CN ?? O ?? OU ?? "nobody";
  return typeof name === "string" ? name : name.join(", ");
}
