import type { NodeGroup } from "./node-groups.ts";
import { spanSeconds, type TraceSpan, textAttribute } from "./span.ts";
import type { Trace } from "./trace.ts";
import { formatUnixNano } from "./unix-nano.ts";

/** Where something went wrong: the deepest span of each chain of failed ones. */
export interface FailureReport {
  /** The node's name; the workflow's for what happened outside any pod. */
  readonly node: string;
  readonly label: string;
  /** The names of the spans from the pod's container down to the failed one. */
  readonly path: readonly string[];
  /** The taxonomy code (`s3.access_denied`), or empty when the span has none. */
  readonly type: string;
  readonly message: string;
  /** How long the span lasted until it failed. */
  readonly seconds: number;
  readonly startedAt: string;
  readonly traceId: string;
  readonly spanId: string;
}

/** The causes of failure among a group's spans. A failed span above one of them only repeats it. */
export function readFailures(trace: Trace, group: NodeGroup): FailureReport[] {
  const failed = group.rows.filter(({ span }) => span.status === "error");
  const repeats = new Set(failed.map(({ span }) => trace.parentOf(span)));
  const failures = failed
    .filter(({ span }) => !repeats.has(span))
    .map(({ span }) => createFailure(trace, group, span));
  // What the controller says of a node is the summary of what its containers said, when they said anything.
  return failures.length > 0 || group.nodeSpan?.status !== "error"
    ? failures
    : [createFailure(trace, group, group.nodeSpan)];
}

function createFailure(trace: Trace, group: NodeGroup, span: TraceSpan): FailureReport {
  const path: string[] = [];
  for (let at: TraceSpan | undefined = span; at; at = trace.parentOf(at)) {
    path.unshift(at.name);
    if (at.name.startsWith("run")) break;
  }
  const exception = span.events.findLast((event) => event.name === "exception");
  return {
    node: group.name,
    label: group.label,
    path,
    type: textAttribute(span.attributes, "error.type") ?? "",
    message:
      span.statusMessage ||
      (exception && textAttribute(exception.attributes, "exception.message")) ||
      "failed without a message",
    seconds: spanSeconds(span),
    startedAt: formatUnixNano(span.startUnixNano),
    traceId: span.traceId,
    spanId: span.spanId,
  };
}
