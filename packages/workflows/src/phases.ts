import {
  type ContainerStatus,
  isFinalPhase,
  type NodeStatus,
  type PodObject,
  type WorkflowObject,
} from "./workflow-object.ts";

/** A time spent in one phase. Milliseconds since the epoch. */
export interface PhasePeriod {
  phase: string;
  /** Why a pod was pending, in one word; empty when nobody says. */
  reason: string;
  startMs: number;
  endMs: number;
}

/** The phases of a workflow that are over: Pending from its creation, Running from its start. */
export function workflowPhases({ metadata, status }: WorkflowObject): PhasePeriod[] {
  const created = parseTime(metadata.creationTimestamp);
  const started = parseTime(status?.startedAt);
  const finished = parseTime(status?.finishedAt);
  return [...period("Pending", created, started ?? finished), ...period("Running", started, finished)];
}

/**
 * The phases of a node that are over, as far as the objects tell. A node's status says when it was made and when it
 * ended; when its pod began to run, only the pod says. Without one, nothing is claimed for a node that has a pod.
 */
export function nodePhases(node: NodeStatus, pod: PodObject | undefined): PhasePeriod[] {
  if (node.type !== "Pod")
    return runsAtOnce(node) ? period("Running", parseTime(node.startedAt), endOf(node)) : [];
  if (!pod) return [];
  const ranMs = firstStart(pod);
  return podNodePhases(node, { ranMs, neverRan: ranMs === undefined, reason: pendingReason(node, pod) });
}

/** @param facts.ranMs when its pod began to run; with `neverRan` false and no time, nobody knows */
export function podNodePhases(
  node: NodeStatus,
  facts: { ranMs: number | undefined; neverRan: boolean; reason: string },
): PhasePeriod[] {
  const { ranMs, neverRan, reason } = facts;
  return [
    ...period("Pending", parseTime(node.startedAt), ranMs ?? (neverRan ? endOf(node) : undefined), reason),
    ...period("Running", ranMs, endOf(node)),
  ];
}

function endOf(node: NodeStatus): number | undefined {
  return isFinalPhase(node.phase) ? parseTime(node.finishedAt) : undefined;
}

/** Nodes without a pod of their own are Running from their first moment; those that never ran have no phase at all. */
function runsAtOnce(node: NodeStatus): boolean {
  return node.type !== "Skipped" && node.phase !== "Skipped" && node.phase !== "Omitted";
}

/** As the controller has it: a pod is pending until its first container that is no init container runs. */
export function firstStart(pod: PodObject | undefined): number | undefined {
  const starts = (pod?.status?.containerStatuses ?? [])
    .map(({ state }) => parseTime(state?.running?.startedAt ?? state?.terminated?.startedAt))
    .filter((time) => time !== undefined);
  return starts.length > 0 ? Math.min(...starts) : undefined;
}

/** `ErrImagePull`, `Unschedulable`: the container's reason, else the scheduler's, else the node's own message. */
export function pendingReason(node: NodeStatus, pod?: PodObject): string {
  const { initContainerStatuses = [], containerStatuses = [], conditions = [] } = pod?.status ?? {};
  const waiting = [...initContainerStatuses, ...containerStatuses].map(waitingReason).find(Boolean);
  const unscheduled = conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  return waiting ?? unscheduled?.reason ?? (node.phase === "Pending" ? firstWord(node.message) : "");
}

function waitingReason({ state }: ContainerStatus): string | undefined {
  return state?.waiting?.reason;
}

/** Upstream takes the part before the colon (executor contract §20.5). */
function firstWord(message = ""): string {
  return (message.split(":", 1)[0] ?? "").trim();
}

function period(phase: string, startMs?: number, endMs?: number, reason = ""): PhasePeriod[] {
  return startMs === undefined || endMs === undefined
    ? []
    : [{ phase, reason, startMs, endMs: Math.max(startMs, endMs) }];
}

export function parseTime(text: string | null | undefined): number | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}
