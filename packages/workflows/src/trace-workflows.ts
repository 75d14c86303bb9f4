import type { OtlpSpan } from "@skein/telemetry";
import { createPhaseTracker, type PhaseTracker } from "./phase-tracker.ts";
import { readNodes, WorkflowObjectError } from "./read-objects.ts";
import type { WorkflowSource } from "./watch-workflows.ts";
import { isFinalPhase, type NodeStatus, type PodObject, type WorkflowObject } from "./workflow-object.ts";
import { workflowSpans } from "./workflow-spans.ts";

/** What was made of one workflow. */
export interface TracedWorkflow {
  namespace: string;
  name: string;
  traceId: string;
  phase: string;
  spans: OtlpSpan[];
}

/**
 * The spans of workflows as they are now.
 *
 * @throws WorkflowObjectError when a workflow's nodes are not in its object
 */
export function traceWorkflows(
  workflows: readonly WorkflowObject[],
  pods: readonly PodObject[],
): TracedWorkflow[] {
  return workflows.map((workflow) => traced(workflow, workflowSpans(workflow, pods)));
}

/**
 * Follows all workflows of a namespace, and hands on each phase, node and workflow as it ends. What had ended before is
 * handed on, too: it has the same ids as the first time, so that nothing is lost and nothing doubled by a restart.
 *
 * @param complain told once per workflow whose nodes are out of reach; its own spans are made all the same
 */
export async function* followWorkflows(
  source: WorkflowSource,
  signal: AbortSignal,
  complain: (message: string) => void,
  now: () => number = Date.now,
): AsyncGenerator<TracedWorkflow> {
  const trackers = new Map<string, PhaseTracker>();
  const finished = new Set<string>();
  for await (const { type, workflow } of source.watch(signal)) {
    const uid = workflow.metadata.uid ?? "";
    if (type === "deleted") {
      trackers.delete(uid);
      finished.delete(uid);
      continue;
    }
    if (finished.has(uid)) continue;
    const tracker = trackers.get(uid) ?? createPhaseTracker();
    trackers.set(uid, tracker);
    const seenMs = now();
    const readable = withReadableNodes(workflow, complain);
    const pods = tracker.wantsPods(readable) ? await source.pods(workflow.metadata.name ?? "") : [];
    const spans = tracker.update(readable, pods, seenMs);
    if (isFinalPhase(workflow.status?.phase)) {
      trackers.delete(uid);
      finished.add(uid);
    }
    if (spans.length > 0) yield traced(workflow, spans);
  }
}

/** The object with its nodes unpacked; without any when they are out of reach. */
function withReadableNodes(workflow: WorkflowObject, complain: (message: string) => void): WorkflowObject {
  const { compressedNodes: _packed, offloadNodeStatusVersion: _elsewhere, ...status } = workflow.status ?? {};
  let nodes: NodeStatus[] = [];
  try {
    nodes = readNodes(workflow);
  } catch (error) {
    if (!(error instanceof WorkflowObjectError)) throw error;
    complain(error.message);
  }
  return {
    ...workflow,
    status: { ...status, nodes: Object.fromEntries(nodes.map((node) => [node.id, node])) },
  };
}

function traced({ metadata, status }: WorkflowObject, spans: OtlpSpan[]): TracedWorkflow {
  return {
    namespace: metadata.namespace ?? "default",
    name: metadata.name ?? "",
    traceId: spans[0]?.traceId ?? "",
    phase: status?.phase ?? "Pending",
    spans,
  };
}
