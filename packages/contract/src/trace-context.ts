/** A W3C trace context: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits: the span that is the parent of what comes next. */
  spanId: string;
  /** Two hex digits' worth; bit 0 is "sampled". */
  traceFlags: number;
  traceState?: string | undefined;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent`; anything the specification calls invalid gives `undefined`. */
export function parseTraceparent(text: string | undefined, traceState?: string): TraceContext | undefined {
  const match = TRACEPARENT.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", more] = match;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), traceState: traceState || undefined };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, "0")}`;
}

/**
 * The context of a node whose controller gave none (before v4.1): the workflow's UID is the trace, the first
 * eight bytes of the SHA-256 of the node ID the span, so that spans made later from the Workflow object join up.
 */
export function deriveTraceContext(ids: { workflowUid: string; nodeId: string }): TraceContext {
  const hex = ids.workflowUid.replaceAll("-", "").toLowerCase();
  const usable = /^[0-9a-f]{32}$/.test(hex) && !/^0+$/.test(hex);
  return {
    traceId: usable ? hex : crypto().randomBytes(16).toString("hex"),
    spanId: nodeSpanId(ids.nodeId),
    traceFlags: 1,
  };
}

/** The span id a node has by convention; also the way to derive one from any other name. */
export function nodeSpanId(nodeId: string): string {
  return crypto().createHash("sha256").update(nodeId).digest("hex").slice(0, 16);
}

/** Loaded when it is needed: it takes 8 of `init`'s 80 ms, and nearly every pod is given its context. */
function crypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}
