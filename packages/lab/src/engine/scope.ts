import type { Artifact, Outputs } from "@skein/contract";
import type { StepPrefix } from "../workflow/scope.ts";
import { soleTag } from "../workflow/tags.ts";
import { isFinal, type WorkflowNode } from "./node.ts";

/** The values tags have at one place of the workflow. */
export interface Scope {
  texts: ReadonlyMap<string, string>;
  /** What `from` may name. An artifact that was not produced is not here. */
  artifacts: ReadonlyMap<string, Artifact>;
}

/** The inputs of a template that is about to run. */
export interface Inputs {
  parameters: ReadonlyMap<string, string>;
  /** With the locations they were given; an optional one that was not supplied has none. */
  artifacts: readonly Artifact[];
  /** What an attempt knows of itself, where the template may be tried again. */
  attempt?: Readonly<Record<string, string>>;
}

export function lookupIn(scope: Scope): (name: string) => string | undefined {
  return (name) => scope.texts.get(name);
}

/** The scope of a template's own fields. */
export function templateScope(
  globals: ReadonlyMap<string, string>,
  inputs: Inputs,
  own: Readonly<Record<string, string>>,
): Scope {
  const parameters = [...inputs.parameters].map(([name, value]) => ({ name, value }));
  return {
    texts: new Map([
      ...globals,
      ...parameters.map(({ name, value }): [string, string] => [`inputs.parameters.${name}`, value]),
      ["inputs.parameters", JSON.stringify(parameters)],
      ...Object.entries(inputs.attempt ?? {}),
      ...Object.entries(own),
    ]),
    artifacts: new Map(inputs.artifacts.map((artifact) => [`inputs.artifacts.${artifact.name}`, artifact])),
  };
}

/** The scope with what the finished steps have brought. */
export function withSteps(scope: Scope, prefix: StepPrefix, nodes: readonly WorkflowNode[]): Scope {
  const texts = new Map(scope.texts);
  const artifacts = new Map(scope.artifacts);
  for (const node of nodes.filter((candidate) => isFinal(candidate.phase))) {
    const base = `${prefix}.${node.displayName}`;
    for (const [name, value] of Object.entries(factsOf(node))) texts.set(`${base}.${name}`, value);
    for (const { name, value } of node.outputs?.parameters ?? []) {
      if (value !== undefined) texts.set(`${base}.outputs.parameters.${name}`, value);
    }
    for (const artifact of node.outputs?.artifacts ?? []) {
      artifacts.set(`${base}.outputs.artifacts.${artifact.name}`, artifact);
    }
  }
  return { texts, artifacts };
}

function factsOf(node: WorkflowNode): Record<string, string> {
  const { outputs } = node;
  return {
    id: node.id,
    status: node.phase,
    startedAt: node.startedAt.toISOString(),
    finishedAt: node.finishedAt?.toISOString() ?? "",
    "outputs.parameters": JSON.stringify(outputs?.parameters ?? []),
    ...(outputs?.exitCode === undefined ? {} : { exitCode: outputs.exitCode }),
    ...(isPod(node) ? { "outputs.result": outputs?.result ?? "" } : {}),
  };
}

/** Attempts at a pod end as the pod would. */
function isPod({ type, children }: WorkflowNode): boolean {
  return type === "Pod" || (type === "Retry" && children.some(isPod));
}

/** The artifact a `from` names, under another name. `undefined` when nobody has produced it. */
export function resolveFrom(scope: Scope, from: string, name: string): Artifact | undefined {
  const found = scope.artifacts.get(soleTag(from) ?? "");
  return found && { ...found, name };
}

/** Whether there is anything to report at all. */
export function hasAny(outputs: Outputs): boolean {
  return Object.values(outputs).some((value) => value !== undefined && value.length !== 0);
}
