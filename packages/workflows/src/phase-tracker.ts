import type { OtlpSpan } from "@skein/telemetry";
import { firstStart, type PhasePeriod, pendingReason, podNodePhases, workflowPhases } from "./phases.ts";
import { readNodes } from "./read-objects.ts";
import type { NodeStatus, PodObject, WorkflowObject } from "./workflow-object.ts";
import { createSpanMaker, podOf } from "./workflow-spans.ts";

/** Follows one workflow from version to version of its object. */
export interface PhaseTracker {
  /** Whether the version has something new about a node with a pod, so that its pods are worth a request. */
  wantsPods(workflow: WorkflowObject): boolean;
  /** The spans of what is over with this version and was not before. */
  update(workflow: WorkflowObject, pods: readonly PodObject[], nowMs: number): OtlpSpan[];
}

interface Watched {
  phase: string;
  /** When its pod began to run, by the pod or else by the clock of whoever looked. */
  ranMs: number | undefined;
  /** For how long each reason for being pending was seen, in milliseconds. */
  reasons: Map<string, number>;
  reason: string;
  reasonSinceMs: number;
}

export function createPhaseTracker(): PhaseTracker {
  const watched = new Map<string, Watched>();
  const told = new Set<string>();
  let isFirst = true;

  const follow = (node: NodeStatus, pod: PodObject | undefined, nowMs: number): PhasePeriod[] => {
    const before = watched.get(node.id);
    const now: Watched = before ?? {
      phase: "",
      ranMs: undefined,
      reasons: new Map(),
      reason: "",
      reasonSinceMs: nowMs,
    };
    watched.set(node.id, now);
    noteReason(now, pendingReason(node, pod), nowMs);
    // Who has seen it pending, or seen it come, knows since when it runs; who finds it running does not.
    const sawItBegin = node.phase === "Running" && (now.phase === "Pending" || (!before && !isFirst));
    now.ranMs ??= firstStart(pod) ?? (sawItBegin ? nowMs : undefined);
    now.phase = node.phase;
    const neverRan =
      now.ranMs === undefined && node.phase !== "Succeeded" && (pod !== undefined || before !== undefined);
    return podNodePhases(node, { ranMs: now.ranMs, neverRan, reason: mainReason(now) });
  };

  return {
    wantsPods: (workflow) =>
      readNodes(workflow).some((node) => node.type === "Pod" && watched.get(node.id)?.phase !== node.phase),
    update(workflow, pods, nowMs) {
      const nodes = readNodes(workflow);
      const make = createSpanMaker(workflow, nodes, pods);
      const spans = [
        ...workflowPhases(workflow).map(make.workflowPhase),
        ...nodes.flatMap((node) => [
          ...(node.type === "Pod"
            ? follow(node, podOf(pods, node), nowMs).map((period) => make.nodePhase(node, period))
            : make.phases(node)),
          ...make.node(node),
        ]),
        ...make.workflow(),
      ];
      isFirst = false;
      // Each once, however often its object comes.
      return spans.filter(({ spanId }) => !told.has(spanId) && told.add(spanId));
    },
  };
}

function noteReason(node: Watched, reason: string, nowMs: number): void {
  if (node.phase === "Pending") {
    const seenMs = node.reasons.get(node.reason) ?? 0;
    node.reasons.set(node.reason, seenMs + nowMs - node.reasonSinceMs);
  }
  node.reason = reason;
  node.reasonSinceMs = nowMs;
}

/** Reasons that every pod goes through; any other one says more. */
const ORDINARY: ReadonlySet<string> = new Set(["", "PodInitializing", "ContainerCreating"]);

/** What the node was pending for longest, ordinary reasons last. */
function mainReason({ reasons, reason }: Watched): string {
  const ranked = [...reasons].sort(
    ([a, aMs], [b, bMs]) => Number(ORDINARY.has(a)) - Number(ORDINARY.has(b)) || bMs - aMs,
  );
  return ranked[0]?.[0] || reason;
}
