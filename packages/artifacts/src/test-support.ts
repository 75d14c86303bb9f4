import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type S3Location, Secret } from "@skein/contract";
import { type Fault, type SeenRequest, startFaultProxy } from "../../../test/support/fault-proxy.ts";
import type { RetryNote, RetryPolicy } from "./retry.ts";
import { createS3Connector, type S3Connector } from "./s3/connect.ts";
import { createS3Driver, type S3DriverOptions } from "./s3/s3-driver.ts";
import type { SecretReader } from "./secret-reader.ts";
import { Semaphore } from "./semaphore.ts";
import type { FileMoved } from "./transfer.ts";
import { Transfer, type TransferOptions } from "./transfer.ts";

const MIB = 1024 * 1024;

/** Retries at once, because a test has no time, but not for ever. */
export const QUICK_RETRIES: RetryPolicy = { baseDelayMs: 1, factor: 2, maxDelayMs: 20, budgetMs: 2000 };

export interface ObservedTransfer {
  transfer: Transfer;
  retries: RetryNote[];
  files: (FileMoved & { offsetBytes: number })[];
  warnings: string[];
  attributes: Record<string, unknown>;
}

/** A transfer whose announcements are kept. */
export function observedTransfer(options: Partial<TransferOptions> = {}): ObservedTransfer {
  const seen: Omit<ObservedTransfer, "transfer"> = { retries: [], files: [], warnings: [], attributes: {} };
  const transfer = new Transfer({
    signal: new AbortController().signal,
    policy: QUICK_RETRIES,
    memory: new Semaphore(64 * MIB),
    requests: new Semaphore(32),
    onRetry: (note) => seen.retries.push(note),
    onFile: (file) => seen.files.push(file),
    onWarning: (message) => seen.warnings.push(message),
    onAttributes: (attributes) => Object.assign(seen.attributes, attributes),
    ...options,
  });
  return { transfer, ...seen };
}

export interface TemporaryDirectory extends AsyncDisposable {
  path: string;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), "skein-artifacts-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Secrets by `name/key`. */
export function secretsOf(values: Record<string, string>): SecretReader {
  return async ({ name, key }) => {
    const value = values[`${name}/${key}`];
    if (value === undefined) throw new Error(`open /argo/secret/${name}/${key}: no such file or directory`);
    return new Secret(value);
  };
}

/** How an artifact names an S3 server of the tests; its secrets are in {@link s3Secrets}. */
export function s3Location(
  server: { endpoint: string; bucket: string },
  key: string,
  more: Partial<S3Location> = {},
): S3Location {
  return {
    endpoint: server.endpoint,
    bucket: server.bucket,
    insecure: true,
    accessKeySecret: { name: "s3", key: "access" },
    secretKeySecret: { name: "s3", key: "secret" },
    key,
    ...more,
  };
}

/** The keys of {@link s3Location}; the secret one ends with a line end, as they often do. */
export function s3Secrets(server: { accessKey: string; secretKey: string }): SecretReader {
  return secretsOf({ "s3/access": server.accessKey, "s3/secret": `${server.secretKey}\n` });
}

export function connectorTo(server: { accessKey: string; secretKey: string }): S3Connector & AsyncDisposable {
  const connector = createS3Connector(s3Secrets(server), { maxSockets: 64, proxyEnv: {} });
  return { ...connector, [Symbol.asyncDispose]: () => connector.close() };
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that do not repeat in a way a mistaken offset could hide behind. */
export function patternedBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = 12345;
  for (let index = 0; index < length; index++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[index] = state >> 16;
  }
  return bytes;
}

/** A driver for one key of a server. Its requests go through a proxy that may do harm, unless `endpoint` says else. */
export async function s3DriverThrough(
  server: { endpoint: string; bucket: string; accessKey: string; secretKey: string },
  key: string,
  fault: (request: SeenRequest, index: number) => Fault | undefined = () => undefined,
  {
    endpoint,
    at: more,
    ...options
  }: Partial<S3DriverOptions> & {
    endpoint?: string;
    at?: Partial<S3Location>;
  } = {},
) {
  const proxy = await startFaultProxy(server.endpoint, fault);
  const connector = connectorTo(server);
  const at = s3Location({ ...server, endpoint: endpoint ?? proxy.endpoint }, key, more);
  const driver = createS3Driver(at, {
    connect: (transfer) => connector.connect(at, transfer),
    rangeBytes: MIB,
    maxStreams: 4,
    stallTimeoutMs: 5000,
    partBytes: 5 * MIB,
    partsInFlight: 4,
    ...options,
  });
  return {
    driver,
    proxy,
    async [Symbol.asyncDispose]() {
      await connector[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}
