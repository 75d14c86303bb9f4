import type { Environment, Logger } from "@skein/contract";

/** How much is recorded: nothing, spans, spans with a budget of file events, or with a large one. */
export type TraceLevel = "off" | "phases" | "artifacts" | "files";

const LEVELS: readonly string[] = ["off", "phases", "artifacts", "files"] satisfies TraceLevel[];

export interface TraceLevelChoice {
  level: TraceLevel;
  /** True when somebody asked for this level, so that an unsampled parent does not switch it off. */
  explicit: boolean;
}

export interface TraceLevelSources {
  /** Value of the template annotation `skein.dev/trace`. */
  annotation?: string | undefined;
  env: Environment;
  /** Whether the incoming context is sampled; `undefined` without one. */
  sampled?: boolean | undefined;
}

/**
 * The nearest source wins: annotation, `SKEIN_TRACE`, the sampled flag of the incoming context.
 * A value that is no level is reported and passed over, because a typing error must not fail a workflow.
 */
export function chooseTraceLevel(sources: TraceLevelSources, log?: Logger): TraceLevelChoice {
  const { annotation, env, sampled } = sources;
  const asked =
    parse(annotation, "annotation skein.dev/trace", log) ?? parse(env.SKEIN_TRACE, "SKEIN_TRACE", log);
  if (asked) return { level: asked, explicit: true };
  return { level: sampled === false && followsParent(env) ? "off" : "artifacts", explicit: false };
}

function parse(text: string | undefined, source: string, log?: Logger): TraceLevel | undefined {
  const value = text?.trim().toLowerCase();
  if (!value) return undefined;
  if (LEVELS.includes(value)) return value as TraceLevel;
  log?.warn(`unknown trace level in ${source}, using the default`, { value, known: LEVELS });
  return undefined;
}

/** Every sampler but the ones that ignore the parent keeps an unsampled trace unsampled. */
function followsParent(env: Environment): boolean {
  const sampler = env.OTEL_TRACES_SAMPLER?.trim() ?? "";
  return sampler !== "always_on" && sampler !== "traceidratio";
}
