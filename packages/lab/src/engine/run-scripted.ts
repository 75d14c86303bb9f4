import type { Outputs } from "@skein/contract";
import { parseWorkflowFile } from "../workflow/parse-workflow-file.ts";
import { planWorkflow } from "../workflow/plan-workflow.ts";
import type { ArtifactRepository } from "../workflow/types.ts";
import { runPlan } from "./engine.ts";
import type { PodOutcome, PodRequest } from "./engine-context.ts";
import type { WorkflowNode } from "./node.ts";

// For the tests of the engine: pods that do what the test says.

const IDENTITY = { name: "wf", uid: "u-1", namespace: "argo", createdAt: new Date("2026-01-02T03:04:05Z") };

export const REPOSITORY: ArtifactRepository = { s3: { endpoint: "s3:9000", bucket: "b", insecure: true } };

export interface Scripted {
  /** By the names of the steps; what is not here succeeds with nothing. */
  outcomes?: Record<string, Partial<PodOutcome>>;
  signal?: AbortSignal;
  repository?: ArtifactRepository;
  /** Instead of `outcomes`, by the attempt. */
  attempts?: Partial<PodOutcome>[];
  /** Called when a pod is due, before its outcome. */
  onPod?: (request: PodRequest) => Promise<void> | void;
}

/** Runs a workflow with pods that do what the test says. */
export async function run(
  templates: string,
  scripted: Scripted = {},
  spec = "",
): Promise<{ nodes: WorkflowNode[]; pods: PodRequest[]; phases: Record<string, string> }> {
  const text = `apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec:\n  entrypoint: main\n  ${spec}\n  templates:\n${templates.replace(/^/gm, "    ")}`;
  const pods: PodRequest[] = [];
  const nodes = await runPlan({
    plan: planWorkflow(parseWorkflowFile("wf.yaml", text)),
    identity: IDENTITY,
    repository: scripted.repository ?? REPOSITORY,
    runPod: async (request) => {
      pods.push(request);
      request.onRunning();
      await scripted.onPod?.(request);
      const outcome = scripted.attempts?.[pods.length - 1] ?? scripted.outcomes?.[request.node.displayName];
      return { phase: "Succeeded", message: "", outputs: {}, ...outcome };
    },
    onChange: () => undefined,
    signal: scripted.signal ?? new AbortController().signal,
  });
  return { nodes, pods, phases: Object.fromEntries(nodes.map((node) => [node.name, node.phase])) };
}

/** A template that prints its parameter. */
export const POD =
  "- {name: pod, inputs: {parameters: [{name: p, default: none}]}, container: {command: [echo, '{{inputs.parameters.p}}']}}";

export function outputs(value: Outputs): { outputs: Outputs } {
  return { outputs: value };
}
