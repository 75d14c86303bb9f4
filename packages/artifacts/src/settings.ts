import { tmpdir } from "node:os";
import { blocksInFlight, parseUnpackLimits, type UnpackLimits } from "@skein/archive";
import { ConfigError, type Environment, type ExecutorConfig } from "@skein/contract";
import { type GitSettings, parseGitSettings } from "./git/git-settings.ts";
import type { RetryPolicy } from "./retry.ts";

const MIB = 1024 * 1024;

/** What an operator can turn; read once, at the edge, by {@link parseTransferSettings}. */
export interface TransferSettings {
  /** Bytes of artifacts held in memory by all transfers together. `SKEIN_TRANSFER_MEMORY_MIB`, default 32. */
  memoryBytes: number;
  /** Requests in flight for all transfers together. `SKEIN_TRANSFER_REQUESTS`, default 64. */
  requests: number;
  /** Artifacts that move at the same time. `SKEIN_TRANSFER_ARTIFACTS`, default 8. */
  artifacts: number;
  /** Bytes per ranged GET. `SKEIN_S3_RANGE_MIB`, default 8. */
  rangeBytes: number;
  /** Ranges of one object in flight at most. `SKEIN_S3_RANGES`, default 8. */
  ranges: number;
  /** Size of the first parts of an upload. `ARTIFACT_S3_UPLOAD_PART_SIZE_MIB`, default 8. */
  partBytes: number;
  /** Parts of one object in flight at most. `ARTIFACT_S3_UPLOAD_THREADS`, default 4. */
  partsInFlight: number;
  /** A connection that delivers nothing, or takes nothing, for this long is left. `SKEIN_STALL_TIMEOUT_SECONDS`, default 10. */
  stallTimeoutMs: number;
  /** So is one that delivers less than this for as long. `SKEIN_STALL_MIN_KIB_PER_SECOND`, default 4. */
  minBytesPerSecond: number;
  retry: RetryPolicy;
  /** Blocks of archives compressed at the same time. `SKEIN_COMPRESS_THREADS`, default the container's cores. */
  compressBlocks: number;
  /** What an archive may ask of us. `SKEIN_UNPACK_MAX_*`. */
  unpackLimits: UnpackLimits;
  /** Where archives that cannot be streamed are unpacked on save. */
  stagingDirectory: string;
  git: GitSettings;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up. */
  proxyEnv: Environment;
}

const PROXY_ENV = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

const MAX_RETRY_DELAY_MS = 20_000;

/** The part of the executor's configuration that transfers go by. */
export type TransferConfig = Pick<
  ExecutorConfig,
  "executorRetry" | "s3UploadThreads" | "s3UploadPartSizeBytes" | "transientErrorPattern" | "sshKnownHosts"
>;

/**
 * @param env the process's environment, for what is Skein's own and for what git inherits
 * @throws ConfigError that quotes the variable and its value
 */
export function parseTransferSettings(config: TransferConfig, env: Environment): TransferSettings {
  const { executorRetry: backoff } = config;
  const pattern = parsePattern(config.transientErrorPattern);
  return {
    memoryBytes: parseCount(env, "SKEIN_TRANSFER_MEMORY_MIB", 32) * MIB,
    requests: parseCount(env, "SKEIN_TRANSFER_REQUESTS", 64),
    artifacts: parseCount(env, "SKEIN_TRANSFER_ARTIFACTS", 8),
    rangeBytes: parseCount(env, "SKEIN_S3_RANGE_MIB", 8) * MIB,
    ranges: parseCount(env, "SKEIN_S3_RANGES", 8),
    partBytes: config.s3UploadPartSizeBytes ?? 8 * MIB,
    partsInFlight: config.s3UploadThreads ?? 4,
    stallTimeoutMs: parseCount(env, "SKEIN_STALL_TIMEOUT_SECONDS", 10) * 1000,
    minBytesPerSecond: parseCount(env, "SKEIN_STALL_MIN_KIB_PER_SECOND", 4) * 1024,
    retry: {
      baseDelayMs: backoff.durationMs,
      factor: backoff.factor,
      maxDelayMs: Math.max(MAX_RETRY_DELAY_MS, backoff.durationMs),
      // One step is one attempt, so no retry; any other number counts as "retry", for as long as is sensible.
      budgetMs: backoff.steps <= 1 ? 0 : parseCount(env, "SKEIN_RETRY_BUDGET_SECONDS", 120) * 1000,
      ...(pattern && { alsoTransient: pattern }),
    },
    compressBlocks: parseCompressBlocks(env),
    unpackLimits: parseUnpackLimits(env),
    stagingDirectory: env.TMPDIR || tmpdir(),
    git: parseGitSettings(config.sshKnownHosts, env),
    proxyEnv: pick(env, PROXY_ENV),
  };
}

/** The front makes the thread pool large enough; whoever starts Node without it has libuv's four. */
function parseCompressBlocks(env: Environment): number {
  const threads = parseCount(env, "SKEIN_COMPRESS_THREADS", 0) || undefined;
  const poolSize = Number.parseInt(env.UV_THREADPOOL_SIZE ?? "", 10);
  return blocksInFlight(threads, poolSize > 0 ? poolSize : undefined);
}

/** An invalid pattern matches nothing, as upstream has it (contract §21.1 item 11). */
function parsePattern(text: string | undefined): RegExp | undefined {
  if (!text) return undefined;
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}

function parseCount(env: Environment, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === "") return otherwise;
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new ConfigError(`environment variable ${name} must be a whole number above 0, got "${text}"`, {
      exitCode: 1,
    });
  }
  return Number(text);
}

function pick(env: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
