import { errorMessage, parseGoDuration, templateType } from "@skein/contract";
import { globalVariables } from "../workflow/globals.ts";
import { podName } from "../workflow/names.ts";
import { parsePodSpecPatch } from "../workflow/pod-spec-patch.ts";
import { isPodTemplate } from "../workflow/scope.ts";
import type { WorkflowTemplate } from "../workflow/types.ts";
import { trackContainers } from "./container-nodes.ts";
import { runDag } from "./dag.ts";
import {
  addNode,
  type Call,
  type EngineContext,
  type EngineParts,
  finish,
  templateNamed,
  workflowDeadline,
} from "./engine-context.ts";
import { createGate } from "./gate.ts";
import { resolveInputs } from "./inputs.ts";
import type { NodeType, WorkflowNode } from "./node.ts";
import { renderTemplate } from "./render-template.ts";
import { runAttempts } from "./retry.ts";
import { hasAny, type Inputs, lookupIn, templateScope } from "./scope.ts";
import { runSteps } from "./steps.ts";

/**
 * Runs a plan to its end, whatever the end is. Never rejects for something that goes wrong in a step.
 *
 * @returns all nodes, in the order in which they were made; the first is the workflow's own
 */
export async function runPlan(parts: EngineParts): Promise<WorkflowNode[]> {
  const { plan, identity } = parts;
  const { spec } = plan.workflow;
  const globals = globalVariables(plan.workflow, identity);
  const context: EngineContext = {
    ...parts,
    now: parts.now ?? (() => new Date()),
    globals,
    gate: createGate(spec.parallelism),
    nodes: [],
    call: (call) =>
      call.template.retryStrategy
        ? runAttempts(context, call, (attempt) => callTemplate(context, attempt))
        : callTemplate(context, call),
  };
  await context.call({
    template: templateNamed(context, spec.entrypoint),
    nodeName: identity.name,
    displayName: identity.name,
    given: spec.arguments,
    caller: { texts: globals, artifacts: new Map() },
    includeScriptOutput: false,
  });
  return context.nodes;
}

async function callTemplate(context: EngineContext, call: Call): Promise<WorkflowNode> {
  const { template } = call;
  const node = addNode(context, call, nodeTypeOf(template), isPodTemplate(template) ? "Pending" : "Running");
  try {
    const { attempt } = call;
    const inputs: Inputs = {
      ...resolveInputs(template, call.given, call.caller),
      ...(attempt ? { attempt: attempt.variables } : {}),
    };
    if (template.steps) await runSteps(context, node, template, inputs);
    else if (template.dag) await runDag(context, node, template, inputs);
    else await runPodNode(context, node, call, inputs);
  } catch (error) {
    finish(context, node, "Error", errorMessage(error));
  }
  return node;
}

async function runPodNode(
  context: EngineContext,
  node: WorkflowNode,
  call: Call,
  inputs: Inputs,
): Promise<void> {
  const { plan, identity, repository, signal } = context;
  node.podName = podName(identity.name, call.template.name, node.name);
  const scope = templateScope(context.globals, inputs, podVariables(node, call.template));
  const template = renderTemplate(call.template, {
    lookup: lookupIn(scope),
    inputArtifacts: inputs.artifacts,
    repository,
    archiveLogs: plan.workflow.spec.archiveLogs,
  });
  using containers = trackContainers(context, node, template);
  await using _place = await context.gate.enter();
  if (signal.aborted)
    return finish(context, node, "Failed", "the workflow was stopped before this pod started");
  const outcome = await context.runPod({
    node,
    podName: node.podName,
    template,
    includeScriptOutput: call.includeScriptOutput,
    deadline: deadlineOf(context, node, template, call.attempt?.deadline),
    terminationGracePeriodSeconds: gracePeriodOf(template),
    onRunning: () => {
      if (node.phase !== "Pending") return;
      node.phase = "Running";
      context.onChange(node);
    },
    onContainer: containers.onChange,
  });
  if (hasAny(outcome.outputs)) node.outputs = outcome.outputs;
  finish(context, node, outcome.phase, outcome.message);
}

function podVariables(node: WorkflowNode, template: WorkflowTemplate): Record<string, string> {
  const own: Record<string, string> = { "node.name": node.name, "pod.name": node.podName ?? "" };
  for (const { name, path } of template.inputs?.artifacts ?? [])
    own[`inputs.artifacts.${name}.path`] = path ?? "";
  for (const { name, path } of template.outputs?.artifacts ?? [])
    own[`outputs.artifacts.${name}.path`] = path ?? "";
  for (const { name, valueFrom } of template.outputs?.parameters ?? []) {
    own[`outputs.parameters.${name}.path`] = valueFrom?.path ?? "";
  }
  return own;
}

/** @throws Error when its tags had values that make no sense */
function gracePeriodOf({ podSpecPatch }: WorkflowTemplate): number | undefined {
  const patch = parsePodSpecPatch(podSpecPatch ?? "{}");
  if (typeof patch === "string") throw new Error(`podSpecPatch: ${patch}`);
  return patch.terminationGracePeriodSeconds;
}

/** The earliest of the workflow's deadline, the template's two and that of its attempts; in a cluster a kubelet watches one of them. */
function deadlineOf(
  context: EngineContext,
  node: WorkflowNode,
  template: WorkflowTemplate,
  ofAttempts: Date | undefined,
): Date | undefined {
  const after = (start: Date, ms: number | undefined): number[] =>
    ms === undefined ? [] : [start.getTime() + ms];
  const seconds = (text: string | number | undefined): number | undefined =>
    text === undefined ? undefined : Number(text) * 1000;
  const times = [
    ...[workflowDeadline(context), ofAttempts].flatMap((deadline) => (deadline ? [deadline.getTime()] : [])),
    ...after(context.now(), seconds(template.activeDeadlineSeconds)),
    ...after(node.startedAt, parseGoDuration(template.timeout ?? "")),
  ].filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

function nodeTypeOf(template: WorkflowTemplate): NodeType {
  const type = templateType(template);
  if (type === "steps") return "Steps";
  return type === "dag" ? "DAG" : "Pod";
}
