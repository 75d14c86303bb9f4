import type { Environment } from "@skein/contract";
import { deriveTraceContext, formatTraceparent, parseTraceparent } from "@skein/contract";
import type { ParentContext } from "./tracing.ts";

export interface ParentSources {
  env: Environment;
  /** What `context.json` holds: the context that init was given, for containers that were given none. */
  contextFile?: { traceparent?: string; tracestate?: string; baggage?: string } | undefined;
  /** For ids by convention when nobody gives a context. */
  workflowUid: string;
  nodeId: string;
}

/**
 * The context an executor's container hangs below: `TRACEPARENT`, else `context.json`, else ids derived from
 * workflow and node. Names are read upper-case only, as the env-carrier specification has it:
 * https://opentelemetry.io/docs/specs/otel/context/env-carriers/
 */
export function extractParent(sources: ParentSources): ParentContext {
  const { env, contextFile, workflowUid, nodeId } = sources;
  const fromEnv = parseTraceparent(env.TRACEPARENT, env.TRACESTATE);
  if (fromEnv) return withBaggage(fromEnv, env.BAGGAGE);
  const fromFile = parseTraceparent(contextFile?.traceparent, contextFile?.tracestate);
  if (fromFile) return withBaggage(fromFile, contextFile?.baggage);
  return withBaggage(deriveTraceContext({ workflowUid, nodeId }), env.BAGGAGE);
}

function withBaggage(context: ParentContext, baggage: string | undefined): ParentContext {
  return baggage ? { ...context, baggage } : context;
}

/** Writes a context into an environment for another process. Fields the context lacks are removed from the map. */
export function injectContext(
  context: ParentContext | undefined,
  env: Record<string, string | undefined>,
): void {
  if (!context) return;
  env.TRACEPARENT = formatTraceparent(context);
  setOrDelete(env, "TRACESTATE", context.traceState);
  setOrDelete(env, "BAGGAGE", context.baggage);
}

function setOrDelete(env: Record<string, string | undefined>, name: string, value: string | undefined): void {
  if (value) env[name] = value;
  else delete env[name];
}
