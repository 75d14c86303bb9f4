import type { Environment, Logger, SpanLine } from "@skein/contract";
import { parseTraceparent } from "@skein/contract";
import { createNoopTracing } from "./noop-tracing.ts";
import { parseOtlpTarget } from "./otlp-exporter.ts";
import type { OtlpTraceRequest } from "./otlp-span.ts";
import type { ResourceFacts } from "./resource.ts";
import { resourceAttributes } from "./resource.ts";
import { chooseTraceLevel } from "./trace-level.ts";
import type { ParentContext, Tracing } from "./tracing.ts";

export interface TracingOptions {
  /** `OTEL_*`, `SKEIN_TRACE`, `SKEIN_TRACE_FILE`. The SDK's exporters read their own settings from `process.env`. */
  env: Environment;
  /** What the first span hangs below. Default: each first span starts a trace of its own. */
  parent?: ParentContext | undefined;
  resource: ResourceFacts;
  /** Value of the template annotation `skein.dev/trace`. */
  annotation?: string | undefined;
  /** Value of the template annotation `skein.dev/trace-link`: a `traceparent` the containers' own spans get a link to. */
  linkAnnotation?: string | undefined;
  /**
   * For an act that does not export: takes the ended spans, which a later act hands to {@link Tracing.emit}.
   * Nothing is sent or written to the trace file then.
   */
  journal?: ((line: SpanLine) => void) | undefined;
  /** The journal is wanted although there is neither a collector nor a file: somebody else will collect it. */
  keepsJournal?: boolean;
  /** Takes all spans, in the order in which they end, where there is no collector. */
  collect?: ((spans: OtlpTraceRequest) => void) | undefined;
  /** Whatever the standard variables say of sampling: somebody has asked for just these spans. Default false. */
  samplesAll?: boolean;
  log?: Logger | undefined;
}

/** A trace file is to be of use after a crash, too. */
const FILE_DELAY_MS = 1_000;

/**
 * Sets tracing up from the environment. Nothing of the SDK is loaded unless there is somewhere to put spans and
 * somebody wants them.
 *
 * @throws ConfigError (exit code 1) when `OTEL_EXPORTER_OTLP_PROTOCOL` is unknown; nothing else is worth failing for
 */
export async function createTracing(options: TracingOptions): Promise<Tracing> {
  const { env, journal, log } = options;
  const target = parseOtlpTarget(env);
  const file = env.SKEIN_TRACE_FILE || undefined;
  const { level, explicit } = chooseTraceLevel(
    { annotation: options.annotation, env, sampled: isSampled(options.parent) },
    log,
  );
  const isWanted = level !== "off" && env.OTEL_SDK_DISABLED?.toLowerCase() !== "true";
  const collect = target ? undefined : options.collect;
  const isTaken = target || file || collect || (journal && options.keepsJournal);
  if (!isWanted || !isTaken) return createNoopTracing(options.parent);

  const sdk = await import("./sdk-tracing.ts");
  const sinks = await import("./span-sinks.ts");
  const { version } = options.resource;
  const resource = resourceAttributes(options.resource, env);
  const sink = journal
    ? sinks.createJournalPipeline(journal, log)
    : await sinks.createExportPipeline({
        target,
        file,
        fileDelayMs: FILE_DELAY_MS,
        env,
        resource,
        version,
        log,
        collect,
      });
  return sdk.createSdkTracing({
    env,
    level,
    // Who asks for a level by name wants the trace even if the controller's sampler did not.
    parent: explicit ? asSampled(options.parent) : options.parent,
    ignoreParentFlag: explicit,
    samplesAll: options.samplesAll ?? false,
    link: parseTraceparent(options.linkAnnotation),
    version,
    resource,
    processors: sink.processors,
    shutdown: sink.shutdown,
  });
}

function isSampled(parent: ParentContext | undefined): boolean | undefined {
  return parent && (parent.traceFlags & 1) === 1;
}

function asSampled(parent: ParentContext | undefined): ParentContext | undefined {
  return parent && { ...parent, traceFlags: parent.traceFlags | 1 };
}
