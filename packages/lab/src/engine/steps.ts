import type { WorkflowTemplate } from "../workflow/types.ts";
import { addNode, asksForResult, type EngineContext, finish, templateNamed } from "./engine-context.ts";
import { gatherOutputs } from "./gather-outputs.ts";
import { isFailure, type WorkflowNode } from "./node.ts";
import { type Inputs, templateScope, withSteps } from "./scope.ts";

/** Runs the groups of a steps template one after the other, the steps of a group side by side. */
export async function runSteps(
  context: EngineContext,
  node: WorkflowNode,
  template: WorkflowTemplate,
  inputs: Inputs,
): Promise<void> {
  const own = templateScope(context.globals, inputs, { "node.name": node.name });
  const done: WorkflowNode[] = [];
  for (const [index, steps] of (template.steps ?? []).entries()) {
    const caller = withSteps(own, "steps", done);
    const groupName = `${node.name}[${index}]`;
    const made = { nodeName: groupName, displayName: `[${index}]`, parent: node };
    const group = addNode(context, made, "StepGroup", "Running");
    const children = await Promise.all(
      steps.map((step) =>
        context.call({
          template: templateNamed(context, step.template),
          nodeName: `${groupName}.${step.name}`,
          displayName: step.name,
          given: step.arguments,
          caller,
          parent: group,
          includeScriptOutput: asksForResult(template, "steps", step.name),
        }),
      ),
    );
    done.push(...children);
    const failed = children.find(isFailure);
    if (failed) {
      const message = `child '${failed.id}' failed`;
      finish(context, group, "Failed", message);
      finish(context, node, "Failed", message);
      return;
    }
    finish(context, group, "Succeeded");
  }
  gatherOutputs(node, template, withSteps(own, "steps", done));
  finish(context, node, "Succeeded");
}
