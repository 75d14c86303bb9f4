import type { WorkflowTemplate } from "../workflow/types.ts";
import { addNode, type ContainerState, type EngineContext, finish } from "./engine-context.ts";
import { isFinal, type WorkflowNode } from "./node.ts";

/** The nodes of a containerSet's members, below the pod's own. */
export interface ContainerNodes extends Disposable {
  /** Of other containers than the members nothing is shown. */
  onChange(name: string, state: ContainerState): void;
}

/** Until it is disposed of, which the end of the pod does: a member that has not started by then never will. */
export function trackContainers(
  context: EngineContext,
  pod: WorkflowNode,
  template: WorkflowTemplate,
): ContainerNodes {
  const nodes = new Map(
    (template.containerSet?.containers ?? []).map(({ name }) => {
      const made = { nodeName: `${pod.name}.${name}`, displayName: name, parent: pod, template };
      return [name, addNode(context, made, "Container", "Pending")];
    }),
  );
  return {
    onChange: (name, { phase, message }) => {
      const node = nodes.get(name);
      if (!node) return;
      if (isFinal(phase)) return finish(context, node, phase, message);
      node.phase = phase;
      context.onChange(node);
    },
    [Symbol.dispose]: () => {
      for (const node of nodes.values()) {
        if (!isFinal(node.phase))
          finish(context, node, "Omitted", "the pod ended before this container began");
      }
    },
  };
}
