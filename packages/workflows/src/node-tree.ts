import type { NodeStatus } from "./workflow-object.ts";

/** These hold other nodes besides belonging to a template themselves. */
const GROUPS: ReadonlySet<string> = new Set(["Retry", "StepGroup", "TaskGroup"]);

/**
 * The node each node belongs to. `children` alone does not tell: it is the order of execution, too, so the last pod
 * of a step group has the next group as its child. What a group holds carries the group's name in front of its own:
 * `wf[0].step`, `wf.task(0)`. Everything else belongs to the node of its template, `boundaryID`.
 */
export function parentNodes(nodes: readonly NodeStatus[]): Map<NodeStatus, NodeStatus> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<NodeStatus, NodeStatus>();
  for (const group of nodes) {
    if (!GROUPS.has(group.type)) continue;
    for (const id of group.children ?? []) {
      const child = byId.get(id);
      if (child && child !== group && holds(group, child)) parents.set(child, group);
    }
  }
  for (const node of nodes) {
    const boundary = byId.get(node.boundaryID ?? "");
    if (!parents.has(node) && boundary && boundary !== node) parents.set(node, boundary);
  }
  return parents;
}

function holds(group: NodeStatus, child: NodeStatus): boolean {
  return child.name.startsWith(group.name) && /^[([.]/.test(child.name.slice(group.name.length));
}
