import { ConfigError } from "./errors.ts";
import { parseGoDuration } from "./go-duration.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RetryConfig {
  steps: number;
  durationMs: number;
  factor: number;
  jitter: number;
}

/** Everything the executor reads from its environment (contract §3), read once at the edge. */
export interface ExecutorConfig {
  containerName: string;
  podName: string;
  podUid: string;
  nodeId: string;
  workflowName: string;
  workflowUid: string;
  instanceId: string;
  includeScriptOutput: boolean;
  /** `undefined` when there is none (Go's zero time). */
  deadline: Date | undefined;
  terminationGracePeriodMs: number;
  progressFile: string | undefined;
  progressPatchTickMs: number;
  progressFileTickMs: number;
  initless: boolean;
  artifactPluginNames: string[];
  /** Plugins that load inputs of an init-less pod. */
  inputArtifactPlugins: string[];
  removeLocalArtifactPath: boolean;
  executorRetry: RetryConfig;
  defaultRetry: RetryConfig;
  s3UploadThreads: number | undefined;
  s3UploadPartSizeBytes: number | undefined;
  transientErrorPattern: string | undefined;
  sshKnownHosts: string | undefined;
  /** `ARGO_TEMPLATE`, when the variable is present. */
  template: string | undefined;
  /** `SKEIN_FRONT`: the front that started the core. */
  front: string | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_GRACE_PERIOD_MS = 30_000;

/**
 * @throws ConfigError with the exit code upstream gives for the variable: 1 without `ARGO_POD_NAME`, 2 for a missing
 *   or unreadable `ARGO_DEADLINE` and for retry settings that are not numbers
 */
export function parseExecutorConfig(env: Environment): ExecutorConfig {
  const podName = env.ARGO_POD_NAME ?? "";
  if (podName === "") {
    throw new ConfigError("Unable to determine pod name from environment variable ARGO_POD_NAME", {
      exitCode: 1,
    });
  }
  const partSizeMib = parseWhole(env.ARTIFACT_S3_UPLOAD_PART_SIZE_MIB);
  const threads = parseWhole(env.ARTIFACT_S3_UPLOAD_THREADS);
  return {
    containerName: env.ARGO_CONTAINER_NAME ?? "",
    podName,
    podUid: env.ARGO_POD_UID ?? "",
    nodeId: env.ARGO_NODE_ID ?? "",
    workflowName: env.ARGO_WORKFLOW_NAME ?? "",
    workflowUid: env.ARGO_WORKFLOW_UID ?? "",
    instanceId: env.ARGO_INSTANCE_ID ?? "",
    includeScriptOutput: env.ARGO_INCLUDE_SCRIPT_OUTPUT === "true",
    deadline: parseDeadline(env.ARGO_DEADLINE),
    terminationGracePeriodMs: parseGracePeriod(env.ARGO_TERMINATION_GRACE_PERIOD_SECONDS),
    progressFile: env.ARGO_PROGRESS_FILE || undefined,
    progressPatchTickMs: parseGoDuration(env.ARGO_PROGRESS_PATCH_TICK_DURATION ?? "") ?? 0,
    progressFileTickMs: parseGoDuration(env.ARGO_PROGRESS_FILE_TICK_DURATION ?? "") ?? 0,
    initless: env.ARGO_INITLESS_POD === "true",
    artifactPluginNames: splitNames(env.ARGO_ARTIFACT_PLUGIN_NAMES),
    inputArtifactPlugins: splitNames(env.ARGO_INPUT_ARTIFACT_PLUGIN_NAMES),
    removeLocalArtifactPath: env.REMOVE_LOCAL_ART_PATH === "true",
    executorRetry: {
      steps: parseNumber(env, "EXECUTOR_RETRY_BACKOFF_STEPS", 5),
      durationMs: parseDuration(env, "EXECUTOR_RETRY_BACKOFF_DURATION", 1000),
      factor: parseNumber(env, "EXECUTOR_RETRY_BACKOFF_FACTOR", 1.6),
      jitter: parseNumber(env, "EXECUTOR_RETRY_BACKOFF_JITTER", 0.5),
    },
    defaultRetry: {
      steps: parseNumber(env, "RETRY_BACKOFF_STEPS", 5),
      durationMs: parseDuration(env, "RETRY_BACKOFF_DURATION", 10),
      factor: parseNumber(env, "RETRY_BACKOFF_FACTOR", 2),
      jitter: 0,
    },
    // Out of range counts as not set, as upstream has it (contract §12.1).
    s3UploadThreads: threads !== undefined && threads >= 1 ? threads : undefined,
    s3UploadPartSizeBytes:
      partSizeMib !== undefined && partSizeMib >= 5 && partSizeMib <= 5120 ? partSizeMib * MIB : undefined,
    transientErrorPattern: env.TRANSIENT_ERROR_PATTERN || undefined,
    sshKnownHosts: env.SSH_KNOWN_HOSTS || undefined,
    template: env.ARGO_TEMPLATE,
    front: env.SKEIN_FRONT || undefined,
  };
}

function parseDeadline(text: string | undefined): Date | undefined {
  if (text === undefined || text === "") {
    throw new ConfigError(
      "environment variable ARGO_DEADLINE is missing; the controller sets it on every container",
      {
        exitCode: 2,
      },
    );
  }
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text)) {
    throw new ConfigError(`environment variable ARGO_DEADLINE is not an RFC 3339 time: "${text}"`, {
      exitCode: 2,
    });
  }
  if (text.startsWith("0001-01-01T00:00:00")) return undefined;
  const deadline = new Date(text);
  if (Number.isNaN(deadline.getTime())) {
    throw new ConfigError(`environment variable ARGO_DEADLINE is not a time: "${text}"`, { exitCode: 2 });
  }
  return deadline;
}

function parseGracePeriod(text: string | undefined): number {
  const seconds = parseWhole(text);
  return seconds !== undefined && seconds > 0 ? seconds * 1000 : DEFAULT_GRACE_PERIOD_MS;
}

function parseWhole(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function parseNumber(env: Environment, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || text.trim() === "") {
    throw new ConfigError(`environment variable ${name} is not a number: "${text}"`, { exitCode: 2 });
  }
  return value;
}

function parseDuration(env: Environment, name: string, otherwiseMs: number): number {
  const text = env[name];
  if (text === undefined || text === "") return otherwiseMs;
  const ms = parseGoDuration(text);
  if (ms === undefined) {
    throw new ConfigError(`environment variable ${name} is not a Go duration such as "1s": "${text}"`, {
      exitCode: 2,
    });
  }
  return ms;
}

function splitNames(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
