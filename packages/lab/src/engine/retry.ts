import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, formatGoDuration, isTransientText } from "@skein/contract";
import { parseRetryStrategy, type RetryRules } from "../workflow/retry-strategy.ts";
import { substitute } from "../workflow/tags.ts";
import { addNode, type Call, type EngineContext, finish, workflowDeadline } from "./engine-context.ts";
import { resolveInputs } from "./inputs.ts";
import { isFailure, type WorkflowNode } from "./node.ts";
import { type Inputs, lookupIn, templateScope } from "./scope.ts";

/** The longest time a timer takes, some 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs a template that has a `retryStrategy`: every attempt is a node of its own, `name(0)`, `name(1)`, …, below one that
 * ends as the last of them did and takes its outputs.
 */
export async function runAttempts(
  context: EngineContext,
  call: Call,
  run: (attempt: Call) => Promise<WorkflowNode>,
): Promise<WorkflowNode> {
  const retry = addNode(context, call, "Retry", "Running");
  const rules = rulesOf(context, call);
  if (typeof rules === "string") {
    finish(context, retry, "Error", rules);
    return retry;
  }
  const maxDurationMs = rules.backoff?.maxDurationMs ?? Number.POSITIVE_INFINITY;
  const deadline = Number.isFinite(maxDurationMs)
    ? new Date(retry.startedAt.getTime() + maxDurationMs)
    : undefined;
  for (let last: WorkflowNode | undefined; ; ) {
    const number = retry.children.length;
    last = await run({
      ...call,
      nodeName: `${call.nodeName}(${number})`,
      displayName: `${call.displayName}(${number})`,
      parent: retry,
      attempt: { variables: attemptVariables(number, last), deadline },
    });
    const verdict = judge(context, rules, retry, last, deadline);
    const end = "end" in verdict ? verdict.end : await backOff(context, retry, verdict.waitMs);
    if (end === undefined) continue;
    if (last.outputs) retry.outputs = last.outputs;
    finish(context, retry, last.phase, end);
    return retry;
  }
}

/** Numbers and durations may have been tags until now. */
function rulesOf(context: EngineContext, { template, given, caller }: Call): RetryRules | string {
  let inputs: Inputs;
  try {
    inputs = resolveInputs(template, given, caller);
  } catch (error) {
    return errorMessage(error);
  }
  const lookup = lookupIn(templateScope(context.globals, inputs, {}));
  const rules = parseRetryStrategy(substitute(template.retryStrategy ?? {}, lookup));
  if (!Array.isArray(rules)) return rules;
  return rules.map(({ field, message }) => `retryStrategy.${field.join(".")} ${message}`).join("; ");
}

/** The first attempt has none before it; the values are then those of a controller. */
function attemptVariables(number: number, last: WorkflowNode | undefined): Record<string, string> {
  const seconds = last
    ? ((last.finishedAt ?? last.startedAt).getTime() - last.startedAt.getTime()) / 1000
    : 0;
  return {
    retries: String(number),
    "lastRetry.exitCode": last?.outputs?.exitCode ?? (last ? "-1" : "0"),
    "lastRetry.status": last?.phase ?? "",
    "lastRetry.duration": String(seconds),
    "lastRetry.message": last?.message ?? "",
  };
}

/** As the controller's `processNodeRetries`, in its words: whether there is another attempt, and after how long. */
function judge(
  context: EngineContext,
  { policy, limit, backoff }: RetryRules,
  retry: WorkflowNode,
  last: WorkflowNode,
  deadline: Date | undefined,
): { end: string } | { waitMs: number } {
  if (!isFailure(last)) return { end: "" };
  if (context.signal.aborted) return { end: last.message };
  const now = context.now();
  const ofWorkflow = workflowDeadline(context);
  if (ofWorkflow && now > ofWorkflow) {
    return { end: `retry exceeded workflow deadline ${ofWorkflow.toISOString()}` };
  }
  const attempts = retry.children.length;
  const { durationMs = 0, factor = 1, capMs = Number.POSITIVE_INFINITY } = backoff ?? {};
  const waitMs = Math.min(durationMs * factor ** (attempts - 1), capMs);
  if (deadline && now > deadline) return { end: "Max duration limit exceeded" };
  if (deadline && now.getTime() + waitMs > deadline.getTime()) {
    return { end: "Backoff would exceed max duration limit" };
  }
  const wanted = {
    Always: true,
    OnFailure: last.phase === "Failed",
    OnError: last.phase === "Error",
    OnTransientError: isTransientText(last.message),
  }[policy];
  if (!wanted) return { end: last.message };
  if (attempts > limit) return { end: "No more retries left" };
  return { waitMs };
}

/** @returns why there will be no next attempt, when the workflow is stopped meanwhile */
async function backOff(
  context: EngineContext,
  retry: WorkflowNode,
  waitMs: number,
): Promise<string | undefined> {
  if (waitMs === 0) return undefined;
  retry.message = `Backoff for ${formatGoDuration(waitMs)}`;
  context.onChange(retry);
  try {
    await sleep(Math.min(waitMs, MAX_TIMER_MS), undefined, { signal: context.signal });
    return undefined;
  } catch {
    return "the workflow was stopped before the next attempt"; // the only thing that ends a sleep early
  } finally {
    retry.message = "";
  }
}
