import type { Outputs } from "@skein/contract";
import type { WorkflowIdentity } from "../workflow/globals.ts";
import { nodeId } from "../workflow/names.ts";
import { tagsOf, textsOf } from "../workflow/tags.ts";
import type { Arguments, ArtifactRepository, WorkflowPlan, WorkflowTemplate } from "../workflow/types.ts";
import type { Gate } from "./gate.ts";
import { isFinal, type NodePhase, type NodeType, type WorkflowNode } from "./node.ts";
import type { Scope } from "./scope.ts";

/** A pod that is due, with everything the controller knows about it. */
export interface PodRequest {
  node: WorkflowNode;
  podName: string;
  /** What goes into `ARGO_TEMPLATE`. */
  template: WorkflowTemplate;
  /** Whether somebody asks for `outputs.result`. */
  includeScriptOutput: boolean;
  deadline: Date | undefined;
  /** Default 30. */
  terminationGracePeriodSeconds: number | undefined;
  /** To be called when the first of the user's main containers runs. */
  onRunning(): void;
  /** To be called with each change of a main container. */
  onContainer(name: string, state: ContainerState): void;
}

/** What has become of a container; `message` says why it failed. */
export interface ContainerState {
  phase: NodePhase;
  message: string;
}

export interface PodOutcome {
  phase: "Succeeded" | "Failed" | "Error";
  message: string;
  outputs: Outputs;
}

export interface EngineParts {
  plan: WorkflowPlan;
  identity: WorkflowIdentity;
  repository: ArtifactRepository;
  runPod(request: PodRequest): Promise<PodOutcome>;
  /** Called with each node when it is made and whenever its phase changes. */
  onChange(node: WorkflowNode): void;
  /** Once aborted, no further pod is started. */
  signal: AbortSignal;
  now?: () => Date;
}

/** What `runSteps` and `runDag` need of the engine. */
export interface EngineContext extends EngineParts {
  now: () => Date;
  globals: ReadonlyMap<string, string>;
  gate: Gate;
  nodes: WorkflowNode[];
  /** Runs one template as one node and resolves when the node is final. */
  call(call: Call): Promise<WorkflowNode>;
}

/** A call of a template: by a step, or the workflow's own first one. */
export interface Call {
  template: WorkflowTemplate;
  nodeName: string;
  displayName: string;
  given: Arguments | undefined;
  /** The scope the arguments were written in. */
  caller: Scope;
  parent?: WorkflowNode;
  includeScriptOutput: boolean;
  /** Of a template that may be tried again. */
  attempt?: Attempt;
}

export interface Attempt {
  /** The values of `ATTEMPT_VARIABLES`. */
  variables: Readonly<Record<string, string>>;
  /** When all attempts together have had their time. */
  deadline: Date | undefined;
}

export function templateNamed(context: EngineContext, name: string): WorkflowTemplate {
  const template = context.plan.templates.get(name);
  if (!template) throw new Error(`the plan was not validated: no template "${name}"`);
  return template;
}

/** The workflow's own deadline; a template's are its pods' matter. */
export function workflowDeadline({ plan, identity }: EngineContext): Date | undefined {
  const { activeDeadlineSeconds: seconds } = plan.workflow.spec;
  return seconds === undefined ? undefined : new Date(identity.createdAt.getTime() + seconds * 1000);
}

/** @param phase a final one for a node that never runs; `message` then says why */
export function addNode(
  context: EngineContext,
  made: Pick<Call, "nodeName" | "displayName" | "parent"> & { template?: WorkflowTemplate },
  type: NodeType,
  phase: NodePhase,
  message = "",
): WorkflowNode {
  const startedAt = context.now();
  const node: WorkflowNode = {
    id: nodeId(context.identity.name, made.nodeName),
    name: made.nodeName,
    displayName: made.displayName,
    template: made.template?.name ?? "",
    type,
    phase,
    message,
    startedAt,
    ...(isFinal(phase) ? { finishedAt: startedAt } : {}),
    children: [],
    ...(made.parent ? { parent: made.parent } : {}),
  };
  made.parent?.children.push(node);
  context.nodes.push(node);
  context.onChange(node);
  return node;
}

export function finish(context: EngineContext, node: WorkflowNode, phase: NodePhase, message = ""): void {
  node.phase = phase;
  node.message = message;
  node.finishedAt = context.now();
  context.onChange(node);
}

/** Whether a template asks for the result of one of its steps (Argo: `hasOutputResultRef`). */
export function asksForResult(template: WorkflowTemplate, prefix: string, step: string): boolean {
  const wanted = `${prefix}.${step}.outputs.result`;
  for (const { text } of textsOf(template)) {
    if (tagsOf(text).includes(wanted)) return true;
  }
  return false;
}
