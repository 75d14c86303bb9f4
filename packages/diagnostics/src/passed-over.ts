import type { TraceSpan } from "./span.ts";
import { SPAN_NODE } from "./span-names.ts";

/**
 * A node whose condition was not met, or that nobody wanted any more, is no failure. Controllers give its span the status of one,
 * because it is no success either; here it has none. What they called it stays in the message.
 */
export function settlePassedOver(spans: readonly TraceSpan[]): TraceSpan[] {
  return spans.map((span) => (isPassedOver(span) ? { ...span, status: "unset" } : span));
}

function isPassedOver({ name, status, statusMessage }: TraceSpan): boolean {
  return name === SPAN_NODE && status === "error" && /^(Skipped|Omitted)\b/.test(statusMessage);
}
