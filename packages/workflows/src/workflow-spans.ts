import { ANNOTATION_TRACE_LINK, parseTraceparent } from "@skein/contract";
import {
  ATTR,
  type Attributes,
  type ControllerSpanName,
  encodeAttributes,
  type OtlpLink,
  type OtlpSpan,
} from "@skein/telemetry";
import { parentNodes } from "./node-tree.ts";
import { nodePhases, type PhasePeriod, parseTime, workflowPhases } from "./phases.ts";
import { readNodes } from "./read-objects.ts";
import { podContext, type TraceIds, traceIds } from "./trace-ids.ts";
import { isFinalPhase, type NodeStatus, type PodObject, type WorkflowObject } from "./workflow-object.ts";

/** Kinds and status codes as OTLP numbers them. */
const KIND = { internal: 1, producer: 4 } as const;
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

const ANNOTATION_NODE_ID = "workflows.argoproj.io/node-id";

/** Makes the spans of one workflow that are over. Asked twice for the same thing, it makes the same span. */
export interface SpanMaker {
  workflow(): OtlpSpan[];
  workflowPhase(period: PhasePeriod): OtlpSpan;
  node(node: NodeStatus): OtlpSpan[];
  nodePhase(node: NodeStatus, period: PhasePeriod): OtlpSpan;
  /** The phases that the node and its pod tell of. */
  phases(node: NodeStatus): OtlpSpan[];
}

/** The pod of a node, by the annotation every controller sets. */
export function podOf(pods: readonly PodObject[], node: NodeStatus): PodObject | undefined {
  return pods.find(({ metadata: { annotations } }) => annotations?.[ANNOTATION_NODE_ID] === node.id);
}

/**
 * Everything the objects tell of what a controller would have traced and that is over by now. What still runs is left
 * out: a span that has been exported cannot be ended later.
 *
 * @throws WorkflowObjectError when the nodes are not in the object
 */
export function workflowSpans(workflow: WorkflowObject, pods: readonly PodObject[] = []): OtlpSpan[] {
  const nodes = readNodes(workflow);
  const make = createSpanMaker(workflow, nodes, pods);
  return [
    ...make.workflow(),
    ...workflowPhases(workflow).map(make.workflowPhase),
    ...nodes.flatMap((node) => [...make.phases(node), ...make.node(node)]),
  ];
}

/** @param pods those of other workflows among them are passed over */
export function createSpanMaker(
  workflow: WorkflowObject,
  nodes: readonly NodeStatus[],
  pods: readonly PodObject[],
): SpanMaker {
  const { metadata, status } = workflow;
  const own = pods.filter((pod) => pod.metadata.labels?.["workflows.argoproj.io/workflow"] === metadata.name);
  const ids = traceIds(workflow, own);
  const parents = parentNodes(nodes);
  const identity = {
    [ATTR.workflowName]: metadata.name,
    [ATTR.workflowNamespace]: metadata.namespace,
    [ATTR.pipelineName]: metadata.name,
    [ATTR.pipelineRunId]: metadata.uid,
    [ATTR.cicdComponent]: "controller",
  };
  const parentOf = (node: NodeStatus): string => {
    const parent = parents.get(node);
    return parent ? ids.node(parent.id) : ids.workflow;
  };
  const make: SpanMaker = {
    workflow() {
      const startMs = parseTime(metadata.creationTimestamp) ?? parseTime(status?.startedAt);
      const endMs = parseTime(status?.finishedAt);
      if (startMs === undefined || endMs === undefined || !isFinalPhase(status?.phase)) return [];
      const { phase = "", message } = status ?? {};
      return [
        newSpan(ids, "workflow", {
          spanId: ids.workflow,
          startMs,
          endMs,
          attributes: { ...identity, [ATTR.pipelineResult]: RESULTS[phase] },
          status: statusOf(phase, message),
          links: linksOf(metadata.annotations?.[ANNOTATION_TRACE_LINK]),
        }),
      ];
    },
    workflowPhase: (period) =>
      newSpan(ids, "workflowPhase", {
        spanId: ids.workflowPhase(period.phase),
        parentSpanId: ids.workflow,
        ...period,
        attributes: { ...identity, [ATTR.phase]: period.phase },
      }),
    node(node) {
      const startMs = parseTime(node.startedAt);
      const endMs = parseTime(node.finishedAt);
      return [
        ...podSpan(ids, node, podOf(own, node)),
        ...(isFinalPhase(node.phase) && startMs !== undefined && endMs !== undefined
          ? [
              newSpan(ids, "node", {
                spanId: ids.node(node.id),
                parentSpanId: parentOf(node),
                startMs,
                endMs,
                attributes: { ...identity, ...nodeAttributes(node) },
                status: statusOf(node.phase, node.message),
              }),
            ]
          : []),
      ];
    },
    nodePhase: (node, period) =>
      newSpan(ids, "nodePhase", {
        spanId: ids.nodePhase(node.id, period.phase),
        parentSpanId: ids.node(node.id),
        kind: KIND.producer,
        ...period,
        attributes: {
          ...identity,
          [ATTR.nodeId]: node.id,
          [ATTR.nodePhase]: period.phase,
          [ATTR.phase]: period.phase,
          [ATTR.message]: period.reason || undefined,
        },
      }),
    phases: (node) => nodePhases(node, podOf(own, node)).map((period) => make.nodePhase(node, period)),
  };
  return make;
}

function nodeAttributes(node: NodeStatus): Attributes {
  return {
    [ATTR.nodeId]: node.id,
    [ATTR.nodeName]: node.name,
    [ATTR.nodeType]: node.type,
    [ATTR.pipelineTaskName]: node.templateName || node.templateRef?.template,
    [ATTR.pipelineTaskRunId]: node.id,
    [ATTR.taskRunResult]: RESULTS[node.phase],
  };
}

/** Values of `cicd.pipeline.result` and `cicd.pipeline.task.run.result`, by Argo's phase. */
const RESULTS: Readonly<Record<string, string>> = {
  Succeeded: "success",
  Failed: "failure",
  Error: "error",
  Skipped: "skip",
  Omitted: "skip",
};

/** The span that the pod's containers have as their parent, when the controller gave them one. */
function podSpan(ids: TraceIds, node: NodeStatus, pod: PodObject | undefined): OtlpSpan[] {
  const context = pod && podContext(pod);
  const createdMs = parseTime(pod?.metadata.creationTimestamp);
  if (!context || createdMs === undefined || context.traceId !== ids.traceId) return [];
  return [
    newSpan(ids, "createWorkflowPod", {
      spanId: context.spanId,
      parentSpanId: ids.node(node.id),
      startMs: createdMs,
      endMs: createdMs,
      attributes: { [ATTR.nodeId]: node.id },
    }),
  ];
}

interface SpanFacts {
  spanId: string;
  parentSpanId?: string;
  kind?: number;
  startMs: number;
  endMs: number;
  attributes: Attributes;
  status?: OtlpSpan["status"];
  links?: OtlpLink[];
}

function newSpan(ids: TraceIds, name: ControllerSpanName, facts: SpanFacts): OtlpSpan {
  return {
    traceId: ids.traceId,
    spanId: facts.spanId,
    parentSpanId: facts.parentSpanId ?? "",
    flags: 1,
    name,
    kind: facts.kind ?? KIND.internal,
    startTimeUnixNano: `${facts.startMs}000000`,
    endTimeUnixNano: `${Math.max(facts.startMs, facts.endMs)}000000`,
    attributes: encodeAttributes(facts.attributes),
    ...(facts.links && facts.links.length > 0 ? { links: facts.links } : {}),
    status: facts.status ?? { code: STATUS.unset },
  };
}

/** The description begins with the phase, as upstream's does, so that a reader can tell Failed from Error. */
function statusOf(phase: string, message = ""): OtlpSpan["status"] {
  if (phase === "Succeeded") return { code: STATUS.ok };
  // Nobody wanted it, or its condition was not met: no success, and no failure either.
  if (RESULTS[phase] === "skip") return { code: STATUS.unset, message: phase };
  return { code: STATUS.error, message: message ? `${phase}: ${message}` : phase };
}

function linksOf(traceparent: string | undefined): OtlpLink[] {
  const linked = parseTraceparent(traceparent);
  return linked ? [{ traceId: linked.traceId, spanId: linked.spanId }] : [];
}
