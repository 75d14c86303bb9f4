import { parseOtlpDocument } from "../otlp-json.ts";
import type { TraceSpan } from "../span.ts";
import { assembleTraces, type Trace } from "../trace.ts";
import type { createTraceBuilder } from "./trace-builder.ts";

/** The spans of a trace made here, read the way a file is. */
export function spansOf(builder: ReturnType<typeof createTraceBuilder>): TraceSpan[] {
  return builder.documents().flatMap((document) => {
    const complaints: string[] = [];
    const spans = parseOtlpDocument(document, (complaint) => complaints.push(complaint));
    if (!spans || complaints.length > 0) throw new Error(`unreadable: ${complaints.join(", ")}`);
    return spans;
  });
}

/** The one trace made here. */
export function traceOf(builder: ReturnType<typeof createTraceBuilder>): Trace {
  const [trace, ...more] = assembleTraces(spansOf(builder));
  if (!trace || more.length > 0) throw new Error("expected one trace");
  return trace;
}
