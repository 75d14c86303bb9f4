import {
  ANNOTATION_TRACE,
  ANNOTATION_TRACE_LINK,
  type ExecutorConfig,
  LogDuration,
  type Logger,
  parseExecutorConfig,
  type SpanLine,
  type Template,
} from "@skein/contract";
import { readTemplate, type TransferParts } from "@skein/executor";
import {
  createTracing,
  hasCollector,
  type OtlpTraceRequest,
  type ParentContext,
  type Tracing,
} from "@skein/telemetry";
import { buildInfo } from "./build-info.ts";
import { type Flags, flagValue } from "./command-line.ts";
import type { Host } from "./host.ts";
import { type PodFacts, readPodFacts } from "./pod-facts.ts";
import { exportsOverTls, trustSystemCertificates } from "./system-certificates.ts";

/** What is known before an act begins. */
export interface ActContext {
  host: Host;
  flags: Flags;
  log: Logger;
  config: ExecutorConfig;
  template: Template;
  facts: PodFacts;
}

/**
 * Executor initialisation (contract §6 step 2), without a Kubernetes client: only the acts that call the API make one.
 *
 * @param options.announce whether to say so at level info: once per container, not once per act
 * @throws ConfigError, ContractError
 */
export async function openContext(
  host: Host,
  flags: Flags,
  log: Logger,
  options: { announce: boolean },
): Promise<ActContext> {
  const say = options.announce ? log.info : log.debug;
  say("Starting Workflow Executor", { ...buildInfo, nodeVersion: process.version });
  const config = parseExecutorConfig(host.env);
  const template = await readTemplate(config, host.paths);
  const facts = await readPodFacts(host.env, host.paths.serviceAccount, flagValue(flags, "namespace"));
  const { steps, durationMs, factor, jitter } = config.executorRetry;
  say("Using executor retry strategy", {
    Steps: steps,
    Duration: new LogDuration(durationMs),
    Factor: factor,
    Jitter: jitter,
  });
  say("Executor initialized", {
    namespace: facts.namespace,
    podName: config.podName,
    templateName: template.name ?? "",
    includeScriptOutput: config.includeScriptOutput,
    deadline: config.deadline?.toISOString() ?? "0001-01-01T00:00:00Z",
  });
  return { host, flags, log, config, template, facts };
}

export interface SpanTakers {
  /** Of an act that does not export its spans. */
  journal?: ((line: SpanLine) => void) | undefined;
  /** Where there is no collector, and the trace is to be stored. */
  collect?: ((spans: OtlpTraceRequest) => void) | undefined;
}

export function openTracing(
  context: ActContext,
  parent: ParentContext | undefined,
  { journal, collect }: SpanTakers = {},
): Promise<Tracing> {
  const { host, config, template, facts, log } = context;
  if (!journal && exportsOverTls(host.env)) trustSystemCertificates(host);
  return createTracing({
    env: host.env,
    parent,
    annotation: template.metadata?.annotations?.[ANNOTATION_TRACE],
    linkAnnotation: template.metadata?.annotations?.[ANNOTATION_TRACE_LINK],
    resource: {
      version: buildInfo.version,
      namespace: facts.namespace,
      podName: config.podName,
      podUid: config.podUid,
      containerName: config.containerName,
      nodeName: facts.nodeName,
    },
    journal,
    keepsJournal: storesTrace(context),
    collect,
    log,
  });
}

/** Whether the last act puts the pod's trace into the artifact store: that is asked for, and nobody else takes it. */
export function storesTrace({ host, template }: ActContext): boolean {
  const isAsked = host.env.SKEIN_TRACE_STORE?.toLowerCase() === "true";
  return isAsked && template.archiveLocation !== undefined && !hasCollector(host.env);
}

/** The parts every act is made of. */
export function transferParts(context: ActContext, tracing: Tracing, signal: AbortSignal): TransferParts {
  const { config, facts, host, log, template } = context;
  return {
    config,
    template,
    paths: host.paths,
    namespace: facts.namespace,
    log,
    tracing,
    signal,
    now: () => performance.timeOrigin + performance.now(),
    createEngine: async (options) => {
      const { createEngine } = await import("./create-engine.ts");
      return createEngine(context, tracing, options.signal);
    },
  };
}
