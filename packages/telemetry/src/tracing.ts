import type { TraceContext } from "@skein/contract";
import type { EventName } from "./event-names.ts";
import type { OtlpSpan } from "./otlp-span.ts";
import type { SpanName } from "./span-names.ts";
import type { TraceLevel } from "./trace-level.ts";

export type AttributeValue = string | number | boolean | readonly string[];
/** Absent values are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** A trace context and the baggage that travels with it, as text. */
export interface ParentContext extends TraceContext {
  baggage?: string | undefined;
}

/** A span while its work runs. There is no `end`: {@link Tracing.withSpan} ends it. */
export interface Span {
  /** What children of this span, in this process or another, have as their parent. */
  readonly context: TraceContext;
  /** False when nothing that is said here will be kept. */
  readonly isRecording: boolean;
  setAttribute(key: string, value: AttributeValue | undefined): void;
  setAttributes(attributes: Attributes): void;
  /** @param atMs when it happened, as read from `performance.now()`; default now */
  addEvent(name: EventName, attributes?: Attributes, atMs?: number): void;
  /** Marks the span as failed although its work goes on. */
  recordError(error: unknown): void;
}

export interface SpanOptions {
  attributes?: Attributes;
  /** Default: the active span, else the context the tracing was created with. */
  parent?: TraceContext;
}

export interface EmitOptions {
  /** The container the spans are about, when it is not the one this process runs in. */
  containerName?: string;
}

/** Tracing never fails the work and never holds it up; no method here throws. */
export interface Tracing {
  /** `off` when nothing is recorded. */
  readonly level: TraceLevel;
  /**
   * Runs the work in a span: a child of the active one. The only place that ends spans. What the work throws is
   * recorded (status, `error.type`, one `exception` event) and thrown again.
   */
  withSpan<T>(name: SpanName, options: SpanOptions, work: (span: Span) => T | Promise<T>): Promise<T>;
  /** The context a child made now would have as its parent; `undefined` when there is none at all. */
  current(): ParentContext | undefined;
  /** Writes `TRACEPARENT`, `TRACESTATE` and `BAGGAGE` of the current context into the given map, never elsewhere. */
  inject(env: Record<string, string | undefined>): void;
  /** Exports spans that ended somewhere else: in the front, or in an act of the core that does not export. */
  emit(spans: readonly OtlpSpan[], options?: EmitOptions): void;
  /** Hands over what is left, within the time given (default 2,000 ms) and then gives up. Never throws. */
  shutdown(timeoutMs?: number): Promise<void>;
}
