import type { HrTime, SpanContext } from "@opentelemetry/api";
import { createTraceState } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { decodeAttributes, encodeAttributes } from "./otlp-attributes.ts";
import type { OtlpSpan, OtlpTraceRequest } from "./otlp-span.ts";
import { FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE } from "./otlp-span.ts";
import type { Attributes } from "./tracing.ts";

const NANOSECONDS = 1_000_000_000n;

/** A finished span of the SDK in OTLP's JSON. */
export function toOtlpSpan(span: ReadableSpan): OtlpSpan {
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: parent?.spanId ?? "",
    ...(context.traceState ? { traceState: context.traceState.serialize() } : {}),
    flags: toFlags(context, parent?.isRemote),
    name: span.name,
    kind: span.kind + 1, // the API has no value for "unspecified", the protocol has
    startTimeUnixNano: toUnixNano(span.startTime),
    endTimeUnixNano: toUnixNano(span.endTime),
    attributes: encodeAttributes(span.attributes as Attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event) => ({
      timeUnixNano: toUnixNano(event.time),
      name: event.name,
      attributes: encodeAttributes((event.attributes ?? {}) as Attributes),
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map(({ context: linked, attributes }) => ({
      traceId: linked.traceId,
      spanId: linked.spanId,
      attributes: encodeAttributes((attributes ?? {}) as Attributes),
      flags: toFlags(linked, linked.isRemote),
    })),
    droppedLinksCount: span.droppedLinksCount,
    status: { code: span.status.code, ...(span.status.message ? { message: span.status.message } : {}) },
  };
}

/** The line of a trace file for spans that share one resource each; resources keep their order. */
export function toTraceRequest(spans: readonly ReadableSpan[]): OtlpTraceRequest {
  return {
    resourceSpans: [...Map.groupBy(spans, (span) => span.resource)].map(([resource, ofResource]) => ({
      resource: { attributes: encodeAttributes(resource.attributes as Attributes) },
      scopeSpans: [...Map.groupBy(ofResource, (span) => span.instrumentationScope)].map(
        ([scope, ofScope]) => ({
          scope: { name: scope.name, ...(scope.version ? { version: scope.version } : {}) },
          spans: ofScope.map(toOtlpSpan),
        }),
      ),
    })),
  };
}

/** A span that ended elsewhere, as the SDK's exporters want to have it. */
export function fromOtlpSpan(
  span: OtlpSpan,
  origin: { resource: Resource; scope: ReadableSpan["instrumentationScope"] },
): ReadableSpan {
  const flags = span.flags ?? 1;
  const context: SpanContext = {
    traceId: span.traceId,
    spanId: span.spanId,
    traceFlags: flags & 0xff,
    ...(span.traceState ? { traceState: createTraceState(span.traceState) } : {}),
  };
  const startTime = fromUnixNano(span.startTimeUnixNano);
  const endTime = fromUnixNano(span.endTimeUnixNano);
  return {
    name: span.name,
    kind: Math.max(0, span.kind - 1),
    spanContext: () => context,
    ...(span.parentSpanId === ""
      ? {}
      : {
          parentSpanContext: {
            traceId: span.traceId,
            spanId: span.parentSpanId,
            traceFlags: flags & 0xff,
            isRemote: (flags & FLAG_IS_REMOTE) !== 0,
          },
        }),
    startTime,
    endTime,
    duration: fromNanoseconds(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)),
    ended: true,
    status: { code: span.status.code ?? 0, ...(span.status.message ? { message: span.status.message } : {}) },
    attributes: decodeAttributes(span.attributes) as ReadableSpan["attributes"],
    links: (span.links ?? []).map(({ traceId, spanId, attributes }) => ({
      context: { traceId, spanId, traceFlags: 1 },
      attributes: decodeAttributes(attributes) as ReadableSpan["attributes"],
    })),
    events: (span.events ?? []).map(({ name, timeUnixNano, attributes }) => ({
      name,
      time: fromUnixNano(timeUnixNano),
      attributes: decodeAttributes(attributes) as ReadableSpan["attributes"],
    })),
    resource: origin.resource,
    instrumentationScope: origin.scope,
    droppedAttributesCount: span.droppedAttributesCount ?? 0,
    droppedEventsCount: span.droppedEventsCount ?? 0,
    droppedLinksCount: span.droppedLinksCount ?? 0,
  };
}

function toFlags(context: SpanContext, isRemote: boolean | undefined): number {
  return (context.traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote ? FLAG_IS_REMOTE : 0);
}

function toUnixNano([seconds, nanoseconds]: HrTime): string {
  return String(BigInt(seconds) * NANOSECONDS + BigInt(Math.trunc(nanoseconds)));
}

function fromUnixNano(text: string): HrTime {
  return fromNanoseconds(BigInt(text));
}

function fromNanoseconds(value: bigint): HrTime {
  return [Number(value / NANOSECONDS), Number(value % NANOSECONDS)];
}
