import { AsyncLocalStorage } from "node:async_hooks";
import type { TraceContext } from "@skein/contract";
import { injectContext } from "./parent-context.ts";
import type { ParentContext, Span, Tracing } from "./tracing.ts";

/** A context for work that nobody traces: the ids are valid in form and belong to no trace. */
const NO_CONTEXT: TraceContext = { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 };

/**
 * Tracing that records nothing and loads nothing. It hands the context it was given on as it is, so that what a
 * child process traces still hangs below a span that exists.
 */
export function createNoopTracing(parent?: ParentContext): Tracing {
  const active = new AsyncLocalStorage<ParentContext>();
  const current = (): ParentContext | undefined => active.getStore() ?? parent;
  return {
    level: "off",
    withSpan: async (_name, options, work) => {
      const context = options.parent ?? current();
      const span = noopSpan(context ?? NO_CONTEXT);
      return options.parent ? active.run(options.parent, () => work(span)) : work(span);
    },
    current,
    inject: (env) => injectContext(current(), env),
    emit: () => {},
    shutdown: async () => {},
  };
}

function noopSpan(context: TraceContext): Span {
  return {
    context,
    isRecording: false,
    setAttribute: () => {},
    setAttributes: () => {},
    addEvent: () => {},
    recordError: () => {},
  };
}
