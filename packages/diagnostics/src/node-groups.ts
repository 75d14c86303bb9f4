import { type Attributes, type TraceSpan, textAttribute } from "./span.ts";
import {
  SPAN_CREATE_POD,
  SPAN_INIT,
  SPAN_MAIN,
  SPAN_NODE,
  SPAN_NODE_PHASE,
  SPAN_SUPERVISOR,
  SPAN_WAIT,
  SPAN_WORKFLOW,
  type SpanCategory,
  spanCategory,
} from "./span-names.ts";
import { byStart, type Trace } from "./trace.ts";
import { compareUnixNano, extentOf, type TimeExtent } from "./unix-nano.ts";

/** A span at its place below a node, in the order in which a person reads it: parents first, then by start. */
export interface SpanRow {
  readonly span: TraceSpan;
  /** 0 for the spans directly below the node's heading. */
  readonly depth: number;
  readonly category: SpanCategory;
}

/** The spans of one node of the workflow (a pod), or those of the workflow itself. */
export interface NodeGroup {
  /** The node's ID; empty for the spans that belong to no node. */
  readonly nodeId: string;
  /** The node's name if the trace tells it, else its template, its ID or its pod. */
  readonly name: string;
  /** The name without the workflow's in front of it. */
  readonly label: string;
  readonly podName: string;
  readonly nodeSpan: TraceSpan | undefined;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly rows: readonly SpanRow[];
}

export interface WorkflowFacts {
  readonly name: string;
  readonly namespace: string;
  readonly span: TraceSpan | undefined;
}

/** The spans of a pod that say its containers were traced. */
export const CONTAINER_SPANS: ReadonlySet<string> = new Set([
  SPAN_INIT,
  SPAN_MAIN,
  SPAN_WAIT,
  SPAN_SUPERVISOR,
]);

/** Nodes of these types never have a pod: their spans are shown with the workflow's. */
const TYPES_WITHOUT_POD: ReadonlySet<string> = new Set(["DAG", "Steps", "StepGroup", "TaskGroup", "Retry"]);

const PIPELINE_NAME = "cicd.pipeline.name";
const NODE_ID = "node_id";
const TASK_RUN_ID = "cicd.pipeline.task.run.id";
const TASK_NAME = "cicd.pipeline.task.name";
const POD_NAME = "k8s.pod.name";

/** What the trace says about its workflow: the controller's `workflow` span, else what the containers repeat. */
export function workflowFacts(trace: Trace): WorkflowFacts {
  const span = trace.spans.find((candidate) => candidate.name === SPAN_WORKFLOW);
  const witness =
    span ??
    trace.spans.find((candidate) => CONTAINER_SPANS.has(candidate.name)) ??
    // A run that goes on has no more than some of its controller's spans.
    trace.spans.find((candidate) => candidate.attributes.has(PIPELINE_NAME));
  const name = witness && textAttribute(witness.attributes, "name");
  const namespace = witness && textAttribute(witness.attributes, "namespace");
  return { name: name ?? "", namespace: namespace ?? "", span };
}

/** Sorts the spans of a trace by node. The workflow's own come first, then the nodes by start. */
export function groupByNode(trace: Trace, workflow: WorkflowFacts = workflowFacts(trace)): NodeGroup[] {
  const homes = findHomes(trace);
  const members = new Map<string, TraceSpan[]>();
  for (const span of trace.spans) {
    const home = homes.get(span) ?? "";
    const group = members.get(home);
    if (group) group.push(span);
    else members.set(home, [span]);
  }
  const context = { trace, homes, workflow };
  const groups = tellApart([...members].map(([home, spans]) => createGroup(home, spans, context)));
  return groups.sort(
    (a, b) =>
      Number(b.nodeId === "") - Number(a.nodeId === "") || compareUnixNano(a.startUnixNano, b.startUnixNano),
  );
}

/** One container of a containerSet: a node of the controller's, in the pod of another one. */
export function isContainerOfSet({ nodeSpan }: NodeGroup): boolean {
  return nodeSpan !== undefined && textAttribute(nodeSpan.attributes, "node_type") === "Container";
}

/**
 * The time a node waited for its first container: for a place to run, for images. The controller calls a pod pending
 * until its main container runs; what the init container does in that time is not waiting.
 */
export function pendingExtent(group: NodeGroup): TimeExtent | undefined {
  const spans = group.rows.map((row) => row.span);
  const pending = spans.filter(
    (span) => span.name === SPAN_NODE_PHASE && textAttribute(span.attributes, "node_phase") === "Pending",
  );
  // The controller's span of a node comes last: in the trace of a run that goes on only the pod's creation is there.
  const created = spans.filter((span) => span.name === SPAN_CREATE_POD);
  const [from] = [group.nodeSpan, ...pending, ...created].filter((span) => span !== undefined);
  if (!from) return undefined;
  const containers = extentOf(spans.filter((span) => CONTAINER_SPANS.has(span.name)));
  const endUnixNano = containers.endUnixNano > 0n ? containers.startUnixNano : extentOf(pending).endUnixNano;
  return endUnixNano > from.startUnixNano ? { startUnixNano: from.startUnixNano, endUnixNano } : undefined;
}

/** The node each span belongs to: the one it names itself, else its parent's. */
function findHomes(trace: Trace): Map<TraceSpan, string> {
  const homes = new Map<TraceSpan, string>();
  const podless = new Set(
    trace.spans.filter(isPodlessNode).map((span) => textAttribute(span.attributes, NODE_ID)),
  );
  const waiting = [...trace.roots];
  for (let span = waiting.pop(); span; span = waiting.pop()) {
    const parent = trace.parentOf(span);
    homes.set(span, ownHome(span, (parent && homes.get(parent)) ?? "", podless));
    for (const child of trace.childrenOf(span)) waiting.push(child);
  }
  return homes;
}

function isPodlessNode(span: TraceSpan): boolean {
  return span.name === SPAN_NODE && TYPES_WITHOUT_POD.has(textAttribute(span.attributes, "node_type") ?? "");
}

function ownHome(span: TraceSpan, inherited: string, podless: ReadonlySet<string | undefined>): string {
  const nodeId = textAttribute(span.attributes, NODE_ID) ?? textAttribute(span.attributes, TASK_RUN_ID);
  if (nodeId) return podless.has(nodeId) ? "" : nodeId;
  if (inherited || !CONTAINER_SPANS.has(span.name)) return inherited;
  // A pod whose controller does not trace. Upstream's executor has the pod's name only as the host's;
  // failing that, the containers of one pod have one (unexported) parent in common.
  const { resource } = span;
  return textAttribute(resource, POD_NAME) ?? textAttribute(resource, "host.name") ?? span.parentSpanId;
}

/** The order of a pod's life: main and wait begin together, but one reads init, main, wait. */
const LIFE: ReadonlyMap<string, number> = new Map([
  [SPAN_INIT, 1],
  [SPAN_MAIN, 2],
  [SPAN_WAIT, 3],
  [SPAN_SUPERVISOR, 3],
]);

function byLife(a: TraceSpan, b: TraceSpan): number {
  return (LIFE.get(a.name) ?? 0) - (LIFE.get(b.name) ?? 0) || byStart(a, b);
}

interface GroupContext {
  trace: Trace;
  homes: ReadonlyMap<TraceSpan, string>;
  workflow: WorkflowFacts;
}

function createGroup(home: string, spans: readonly TraceSpan[], context: GroupContext): NodeGroup {
  const { workflow } = context;
  const nodeSpan = home === "" ? undefined : spans.find((span) => span.name === SPAN_NODE);
  const name = home === "" ? workflow.name || "outside any pod" : nodeName(home, spans, nodeSpan, workflow);
  return {
    nodeId: home,
    name,
    label: withoutWorkflow(name, workflow.name),
    podName: home === "" ? "" : firstText(spans, (span) => span.resource, POD_NAME),
    nodeSpan,
    ...extentOf(spans),
    rows: orderRows(home, spans, context),
  };
}

/** `wf.test` is `test`; a step of a list of steps, `wf[0].test`, is `[0].test`: so runs of one workflow can be compared. */
function withoutWorkflow(name: string, workflow: string): string {
  if (workflow === "" || !name.startsWith(workflow)) return name;
  const rest = name.slice(workflow.length);
  if (rest.startsWith("[")) return rest;
  return rest.startsWith(".") ? rest.slice(1) : name;
}

/** Several pods may run one template; where only that is known, their IDs follow in brackets. */
function tellApart(groups: readonly NodeGroup[]): NodeGroup[] {
  const counts = new Map<string, number>();
  for (const { name, nodeId } of groups) if (nodeId !== "") counts.set(name, (counts.get(name) ?? 0) + 1);
  return groups.map((group) => {
    if (group.nodeId === "" || (counts.get(group.name) ?? 0) < 2) return group;
    const id = ` (${group.nodeId.split("-").at(-1)})`;
    return { ...group, name: group.name + id, label: group.label + id };
  });
}

/** Upstream's `node` span repeats the workflow's name as `name`; then the template says more than the node's ID. */
function nodeName(
  home: string,
  spans: readonly TraceSpan[],
  nodeSpan: TraceSpan | undefined,
  workflow: WorkflowFacts,
): string {
  const given = nodeSpan && textAttribute(nodeSpan.attributes, "node_name");
  if (given) return given;
  const spanName = (nodeSpan && textAttribute(nodeSpan.attributes, "name")) ?? "";
  if (spanName && (spanName !== workflow.name || home === workflow.name)) return spanName;
  return firstText(spans, (span) => span.attributes, TASK_NAME) || home;
}

function firstText(spans: readonly TraceSpan[], from: (span: TraceSpan) => Attributes, key: string): string {
  for (const span of spans) {
    const text = textAttribute(from(span), key);
    if (text) return text;
  }
  return "";
}

/**
 * The group's spans as an indented list. The `node` span is the group's heading, not a row, and what the
 * controller's `createWorkflowPod` caused stands beside it: it ended before those spans began.
 */
function orderRows(home: string, spans: readonly TraceSpan[], { trace, homes }: GroupContext): SpanRow[] {
  const isHeading = (span: TraceSpan) => home !== "" && span.name === SPAN_NODE;
  const isTop = (span: TraceSpan) => {
    const parent = trace.parentOf(span);
    return !parent || homes.get(parent) !== home || isHeading(parent) || parent.name === SPAN_CREATE_POD;
  };
  const rows: SpanRow[] = [];
  const waiting: SpanRow[] = [];
  const enqueue = (members: readonly TraceSpan[], depth: number, parent: SpanCategory | undefined) => {
    for (const span of members.toReversed()) {
      waiting.push({ span, depth, category: spanCategory(span.name, parent) });
    }
  };
  enqueue(spans.filter((span) => !isHeading(span) && isTop(span)).toSorted(byLife), 0, undefined);
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    rows.push(row);
    if (row.span.name === SPAN_CREATE_POD) continue;
    const below = trace
      .childrenOf(row.span)
      .filter((child) => homes.get(child) === home && !isHeading(child));
    enqueue(below, row.depth + 1, row.category);
  }
  return rows;
}
