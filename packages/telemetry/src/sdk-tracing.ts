import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, Span as SdkSpan, SpanContext } from "@opentelemetry/api";
import { createTraceState, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import type { SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { AlwaysOnSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import type { Environment, TraceContext } from "@skein/contract";
import { errorMessage, redactSecrets } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";
import { errorAttributes, exceptionAttributes } from "./error-attributes.ts";
import { EVENT } from "./event-names.ts";
import { MAX_EVENTS_PER_SPAN } from "./file-event-recorder.ts";
import type { OtlpSpan } from "./otlp-span.ts";
import { injectContext } from "./parent-context.ts";
import { SERVICE_NAME } from "./resource.ts";
import { fromOtlpSpan } from "./span-codec.ts";
import type { TraceLevel } from "./trace-level.ts";
import type { Attributes, ParentContext, Span, Tracing } from "./tracing.ts";

export interface SdkTracingOptions {
  env: Environment;
  level: TraceLevel;
  parent: ParentContext | undefined;
  /** Record spans that were made elsewhere even if their trace is not sampled. */
  ignoreParentFlag: boolean;
  /** Passes over the sampler of the standard variables. */
  samplesAll: boolean;
  /** What the spans of whole containers are linked to. */
  link: TraceContext | undefined;
  version: string;
  resource: Record<string, string>;
  /** Where ended spans go. */
  processors: SpanProcessor[];
  shutdown: (timeoutMs: number) => Promise<void>;
}

const SAMPLED = 1;
/** The span of a whole container: `runInitContainer` and its like. */
const CONTAINER_SPAN = /^run[A-Z][a-z]+Container$/;
const SHUTDOWN_MS = 2_000;

/** Tracing by the OpenTelemetry SDK. Sampler and limits come from the standard variables, read by the SDK. */
export function createSdkTracing(options: SdkTracingOptions): Tracing {
  const { level, parent, processors } = options;
  const resource = defaultResource().merge(resourceFromAttributes(options.resource));
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: processors,
    ...(options.samplesAll && { sampler: new AlwaysOnSampler() }),
    // Whoever sets the standard limit gets it; the SDK then counts what it drops.
    ...(options.env.OTEL_SPAN_EVENT_COUNT_LIMIT
      ? {}
      : { spanLimits: { eventCountLimit: MAX_EVENTS_PER_SPAN } }),
  });
  const tracer = provider.getTracer(SERVICE_NAME, options.version);
  const active = new AsyncLocalStorage<ParentContext>();
  const current = (): ParentContext | undefined => active.getStore() ?? parent;
  const resources = createResources(resource);
  // Spans made elsewhere follow the same sampler as ours: it is asked by beginning a span that never ends.
  const isWanted = ({ traceId, spanId }: OtlpSpan, traceFlags: number): boolean =>
    tracer.startSpan("probe", {}, toParentContext({ traceId, spanId, traceFlags }, true)).isRecording();
  const linksOf = (name: string): Omit<SpanContext, "traceState">[] => {
    if (!options.link || !CONTAINER_SPAN.test(name)) return [];
    const { traceId, spanId, traceFlags } = options.link;
    return [{ traceId, spanId, traceFlags }];
  };
  return {
    level,
    async withSpan(name, { attributes, parent: given }, work) {
      const above = given ?? current();
      const sdkSpan = tracer.startSpan(
        name,
        { links: linksOf(name).map((context) => ({ context })) },
        toParentContext(above, above === parent || given !== undefined),
      );
      const span = wrapSpan(sdkSpan);
      if (attributes) span.setAttributes(attributes);
      const baggage = (above as ParentContext | undefined)?.baggage;
      try {
        return await active.run({ ...span.context, baggage }, () => work(span));
      } catch (error) {
        span.recordError(error);
        throw error;
      } finally {
        sdkSpan.end();
      }
    },
    current,
    inject: (env) => injectContext(current(), env),
    emit(spans, { containerName } = {}) {
      const origin = {
        resource: resources(containerName),
        scope: { name: SERVICE_NAME, version: options.version },
      };
      for (const span of spans) {
        const flags = (span.flags ?? SAMPLED) | (options.ignoreParentFlag ? SAMPLED : 0);
        if (!isWanted(span, flags)) continue;
        const flagged = {
          ...span,
          links: [...(span.links ?? []), ...linksOf(span.name)],
          flags: flags | SAMPLED,
        };
        const readable = fromOtlpSpan(flagged, origin);
        for (const processor of processors) processor.onEnd(readable);
      }
    },
    shutdown: (timeoutMs = SHUTDOWN_MS) => options.shutdown(timeoutMs),
  };
}

/** The resource of this process, or the same with another container's name; one object for each, as exporters group by it. */
function createResources(own: Resource): (containerName?: string) => Resource {
  const others = new Map<string, Resource>();
  return (containerName) => {
    if (containerName === undefined || containerName === own.attributes[ATTR.k8sContainer]) return own;
    const resource =
      others.get(containerName) ?? own.merge(resourceFromAttributes({ [ATTR.k8sContainer]: containerName }));
    others.set(containerName, resource);
    return resource;
  };
}

function toParentContext(above: TraceContext | undefined, isRemote: boolean): Context {
  if (!above) return ROOT_CONTEXT;
  const { traceId, spanId, traceFlags, traceState } = above;
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags,
    isRemote,
    ...(traceState ? { traceState: createTraceState(traceState) } : {}),
  };
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

/** Errors whose `exception` event is on a span already: an error that passes through many spans is told once. */
const told = new WeakSet<object>();

function wrapSpan(span: SdkSpan): Span {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const setAttributes = (attributes: Attributes): void => {
    span.setAttributes(present(attributes));
  };
  return {
    context: { traceId, spanId, traceFlags, traceState: traceState?.serialize() },
    isRecording: span.isRecording(),
    setAttribute: (key, value) => setAttributes({ [key]: value }),
    setAttributes,
    addEvent: (name, attributes, atMs) => {
      span.addEvent(name, present(attributes ?? {}), atMs);
    },
    recordError(error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: redactSecrets(errorMessage(error)) });
      setAttributes(errorAttributes(error));
      if (typeof error === "object" && error !== null) {
        if (told.has(error)) return;
        told.add(error);
      }
      span.addEvent(EVENT.exception, present(exceptionAttributes(error)));
    },
  };
}

type Present = string | number | boolean | string[];

/**
 * Without those that have no value, which exporters would send as attributes with an empty one; and without secrets,
 * which a server's words may hold.
 */
function present(attributes: Attributes): Record<string, Present> {
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutSecrets(value as Present)]));
}

function withoutSecrets(value: Present): Present {
  if (typeof value === "string") return redactSecrets(value);
  return Array.isArray(value) ? value.map(redactSecrets) : value;
}
