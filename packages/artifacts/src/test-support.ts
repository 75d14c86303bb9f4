import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type S3Location, Secret } from "@skein/contract";
import { type Attributes, createTracing, type OtlpSpan, type Tracing } from "@skein/telemetry";
import { type Fault, type SeenRequest, startFaultProxy } from "../../../test/support/fault-proxy.ts";
import { createTransferEngine, type TransferEngine } from "./engine.ts";
import { PartMemory } from "./part-memory.ts";
import type { RetryNote, RetryPolicy } from "./retry.ts";
import { createS3Connector, type S3Connector } from "./s3/connect.ts";
import { createS3Driver, type S3DriverOptions } from "./s3/s3-driver.ts";
import type { SecretReader } from "./secret-reader.ts";
import { Semaphore } from "./semaphore.ts";
import { parseTransferSettings, type TransferSettings } from "./settings.ts";
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
  events: { name: string; attributes: Attributes; atMs: number | undefined }[];
}

/** A transfer whose announcements are kept. */
export function observedTransfer(options: Partial<TransferOptions> = {}): ObservedTransfer {
  const seen: Omit<ObservedTransfer, "transfer"> = {
    retries: [],
    files: [],
    warnings: [],
    attributes: {},
    events: [],
  };
  const memory = new Semaphore(64 * MIB);
  const transfer = new Transfer({
    signal: new AbortController().signal,
    policy: QUICK_RETRIES,
    memory,
    parts: new PartMemory(memory),
    requests: new Semaphore(32),
    onRetry: (note) => seen.retries.push(note),
    onFile: (file) => seen.files.push(file),
    onWarning: (message) => seen.warnings.push(message),
    onAttributes: (attributes) => Object.assign(seen.attributes, attributes),
    onEvent: (name, attributes, atMs) => seen.events.push({ name, attributes, atMs }),
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
  const connector = createS3Connector(s3Secrets(server), {
    maxSockets: 64,
    idleTimeoutMs: 60_000,
    proxyEnv: {},
  });
  return { ...connector, [Symbol.asyncDispose]: () => connector.close() };
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that do not repeat, so that no mistaken offset can hide, and that gzip cannot make smaller. */
export function patternedBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = 12345;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
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

export const TEST_SETTINGS: TransferSettings = {
  ...parseTransferSettings(
    {
      executorRetry: { steps: 5, durationMs: 1000, factor: 1.6, jitter: 0.5 },
      s3UploadThreads: undefined,
      s3UploadPartSizeBytes: undefined,
      transientErrorPattern: undefined,
      sshKnownHosts: undefined,
    },
    { PATH: process.env.PATH },
  ),
  retry: QUICK_RETRIES,
};

export interface TestEngine extends AsyncDisposable {
  engine: TransferEngine;
  /** What was written to the log, in order. */
  records: Record<string, unknown>[];
  /** The spans that have ended, in order. */
  spans: TestSpan[];
}

export interface TestSpan {
  name: string;
  spanId: string;
  parentSpanId: string;
  seconds: number;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  isError: boolean;
}

/** A real engine with real tracing, whose spans and log lines are kept. */
export async function createTestEngine(
  secrets: SecretReader,
  options: {
    settings?: Partial<TransferSettings>;
    signal?: AbortSignal;
    level?: string;
    /** Takes the spans instead of `spans`. */
    tracing?: Tracing;
  } = {},
): Promise<TestEngine> {
  const spans: TestSpan[] = [];
  const kept = createTracing({
    // A journal takes the spans; the file is only named so that there is somebody who wants them.
    env: { SKEIN_TRACE_FILE: "/unused", SKEIN_TRACE: options.level },
    resource: { version: "0" },
    journal: (line) => spans.push(readSpan(line.span as unknown as OtlpSpan)),
  });
  const tracing = options.tracing ?? (await kept);
  const records: TestEngine["records"] = [];
  const log = createLogger({
    level: "debug",
    format: "json",
    write: (line) => records.push(JSON.parse(line) as Record<string, unknown>),
  });
  const engine = createTransferEngine({
    tracing,
    log,
    secrets,
    signal: options.signal ?? new AbortController().signal,
    settings: { ...TEST_SETTINGS, ...options.settings },
  });
  return { engine, records, spans, [Symbol.asyncDispose]: () => engine.close() };
}

function readSpan(span: OtlpSpan): TestSpan {
  const { name, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano, status } = span;
  return {
    ...{ name, spanId, parentSpanId },
    seconds: Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e9,
    attributes: readAttributes(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name,
      attributes: readAttributes(event.attributes),
    })),
    isError: status.code === 2,
  };
}

function readAttributes(attributes: OtlpSpan["attributes"] = []): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const { stringValue, boolValue, intValue, doubleValue } = value;
      return [key, stringValue ?? boolValue ?? doubleValue ?? Number(intValue)];
    }),
  );
}
