import { dependenciesOf } from "../workflow/dependencies.ts";
import type { Step, WorkflowTemplate } from "../workflow/types.ts";
import { addNode, asksForResult, type EngineContext, finish, templateNamed } from "./engine-context.ts";
import { gatherOutputs } from "./gather-outputs.ts";
import { isFailure, type WorkflowNode } from "./node.ts";
import { type Inputs, templateScope, withSteps } from "./scope.ts";

const CONDITION_NOT_MET = "omitted: depends condition not met";
const FAILED_FAST = "omitted: another task of the DAG has failed";

/**
 * Runs the tasks of a dag template, each as soon as those it waits for are done. After a failure nothing new begins,
 * unless `failFast: false` lets the other branches run on; what runs already runs to its end.
 */
export async function runDag(
  context: EngineContext,
  node: WorkflowNode,
  template: WorkflowTemplate,
  inputs: Inputs,
): Promise<void> {
  const own = templateScope(context.globals, inputs, { "node.name": node.name });
  const failFast = template.dag?.failFast ?? true;
  const done: WorkflowNode[] = [];
  const running = new Map<string, Promise<WorkflowNode>>();

  const runTask = async (task: Step): Promise<WorkflowNode> => {
    const before = await Promise.all(dependenciesOf(task).map((name) => start(name)));
    const made = {
      nodeName: `${node.name}.${task.name}`,
      displayName: task.name,
      template: templateNamed(context, task.template),
      parent: node,
    };
    const unmet = before.some((dependency) => dependency.phase !== "Succeeded");
    if (unmet || (failFast && done.some(isFailure))) {
      return addNode(context, made, "Skipped", "Omitted", unmet ? CONDITION_NOT_MET : FAILED_FAST);
    }
    const finished = await context.call({
      ...made,
      given: task.arguments,
      caller: withSteps(own, "tasks", done),
      includeScriptOutput: asksForResult(template, "tasks", task.name),
    });
    done.push(finished);
    return finished;
  };

  const start = (name: string): Promise<WorkflowNode> => {
    const started = running.get(name) ?? runTask(taskNamed(template, name));
    running.set(name, started);
    return started;
  };

  const children = await Promise.all((template.dag?.tasks ?? []).map((task) => start(task.name)));
  const failed = children.find(isFailure);
  if (failed) {
    finish(context, node, failed.phase);
    return;
  }
  gatherOutputs(node, template, withSteps(own, "tasks", done));
  finish(context, node, "Succeeded");
}

function taskNamed(template: WorkflowTemplate, name: string): Step {
  const task = template.dag?.tasks.find((candidate) => candidate.name === name);
  if (!task) throw new Error(`the plan was not validated: no task "${name}"`);
  return task;
}
