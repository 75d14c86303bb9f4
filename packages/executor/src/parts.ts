import type { TransferEngine } from "@skein/artifacts";
import type { ExecutorConfig, Logger, Paths, Template } from "@skein/contract";
import type { TaskResultReporter } from "@skein/kubernetes";
import type { Tracing } from "@skein/telemetry";
import type { Journal } from "./journal-file.ts";

/** What every act is made of. */
export interface ActParts {
  config: ExecutorConfig;
  template: Template;
  paths: Paths;
  /** Of the pod; empty when it cannot be known. */
  namespace: string;
  log: Logger;
  tracing: Tracing;
  /** Aborted when the container is told to stop. */
  signal: AbortSignal;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Builds the engine when the first artifact needs it: a pod without artifacts loads neither S3 nor archive code. */
export type EngineFactory = (options: { signal: AbortSignal }) => Promise<TransferEngine>;

export interface TransferParts extends ActParts {
  createEngine: EngineFactory;
}

export interface WaitParts extends ActParts {
  /** The journal of this container, which the front began. */
  journal: Journal;
  /** Builds the Kubernetes part. `created` says that an earlier act made the task result already. */
  createReporter: (options: { created: boolean }) => Promise<TaskResultReporter>;
}
