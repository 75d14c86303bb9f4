import type { NodeGroup } from "./node-groups.ts";
import { spanSeconds, type TraceSpan, textAttribute } from "./span.ts";
import { SPAN_MAIN, SPAN_NODE, SPAN_WORKFLOW } from "./span-names.ts";
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
  /** What a person can change, where the executor knows it. */
  readonly remedy?: string;
  /** How long the span lasted until it failed. */
  readonly seconds: number;
  readonly startedAt: string;
  readonly traceId: string;
  readonly spanId: string;
}

/** The causes of failure among a group's spans. A failed span above one of them, in whatever group, only repeats it. */
export function readFailures(trace: Trace, group: NodeGroup): FailureReport[] {
  const failures = group.rows
    .filter(({ span }) => span.status === "error" && !repeatsAnother(trace, span))
    .map(({ span }) => createFailure(trace, group, span));
  // What the controller says of a node is the summary of what its containers said, when they said anything.
  return failures.length > 0 || group.nodeSpan?.status !== "error"
    ? failures
    : [createFailure(trace, group, group.nodeSpan)];
}

/** A child failed; or something further below, for the same reason, and what lay between went on all the same. */
function repeatsAnother(trace: Trace, span: TraceSpan): boolean {
  if (trace.childrenOf(span).some(isFailed)) return true;
  const type = textAttribute(span.attributes, "error.type");
  if (!type) return false;
  const waiting = [...trace.childrenOf(span)];
  for (let below = waiting.pop(); below; below = waiting.pop()) {
    if (isFailed(below) && textAttribute(below.attributes, "error.type") === type) return true;
    waiting.push(...trace.childrenOf(below));
  }
  return false;
}

function isFailed({ status }: TraceSpan): boolean {
  return status === "error";
}

/** Who ended main says so on another span: the executor's, that waited for it. */
function remedyForDeadline({ rows }: NodeGroup, span: TraceSpan): string | undefined {
  const isKilled = /^SIG/.test(textAttribute(span.attributes, "error.type") ?? "");
  if (span.name !== SPAN_MAIN || !isKilled) return undefined;
  const isOver = rows.some(({ span: { events } }) => events.some(({ name }) => name === "deadline"));
  return isOver
    ? "the step had exceeded its deadline: raise activeDeadlineSeconds or timeout, or look at what took so long"
    : undefined;
}

function createFailure(trace: Trace, group: NodeGroup, span: TraceSpan): FailureReport {
  const path: string[] = [];
  for (let at: TraceSpan | undefined = span; at; at = trace.parentOf(at)) {
    path.unshift(at.name);
    // Below a container the way to what failed is told; which nodes a node is in, its name says already.
    if (at.name.startsWith("run") || at.name === SPAN_NODE || at.name === SPAN_WORKFLOW) break;
  }
  const remedy = textAttribute(span.attributes, "argo.error.remedy") ?? remedyForDeadline(group, span);
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
    ...(remedy ? { remedy } : {}),
    seconds: spanSeconds(span),
    startedAt: formatUnixNano(span.startUnixNano),
    traceId: span.traceId,
    spanId: span.spanId,
  };
}
