import { templateType } from "@skein/contract";
import { ancestorsOf } from "./dependencies.ts";
import type { Step, WorkflowTemplate } from "./types.ts";

/** What a template type is called in the names of its steps' variables. */
export type StepPrefix = "steps" | "tasks";

export function isPodTemplate(template: WorkflowTemplate): boolean {
  const type = templateType(template);
  return type === "container" || type === "containerSet" || type === "script";
}

/** What an attempt knows of itself and of the one before it, where the template has a retryStrategy. */
export const ATTEMPT_VARIABLES = [
  "retries",
  "lastRetry.exitCode",
  "lastRetry.status",
  "lastRetry.duration",
  "lastRetry.message",
] as const;

/** The names a template's own fields may use, besides the global ones. */
export function templateVariables(template: WorkflowTemplate): Set<string> {
  const names = new Set(["node.name", "inputs.parameters", "outputs.parameters"]);
  for (const { name } of template.inputs?.parameters ?? []) names.add(`inputs.parameters.${name}`);
  for (const name of template.retryStrategy ? ATTEMPT_VARIABLES : []) names.add(name);
  if (!isPodTemplate(template)) return names;
  names.add("pod.name");
  for (const { name } of template.inputs?.artifacts ?? []) names.add(`inputs.artifacts.${name}.path`);
  for (const { name } of template.outputs?.artifacts ?? []) names.add(`outputs.artifacts.${name}.path`);
  for (const { name } of template.outputs?.parameters ?? []) names.add(`outputs.parameters.${name}.path`);
  names.delete("outputs.parameters");
  return names;
}

/** The names a finished step adds for those that come after it. */
export function stepVariables(prefix: StepPrefix, step: Step, template: WorkflowTemplate): string[] {
  const base = `${prefix}.${step.name}`;
  const names = ["id", "status", "startedAt", "finishedAt", "outputs.parameters"];
  if (isPodTemplate(template)) names.push("exitCode", "outputs.result");
  for (const { name } of template.outputs?.parameters ?? []) names.push(`outputs.parameters.${name}`);
  return names.map((name) => `${base}.${name}`);
}

/** The artifacts a finished step adds; only `from` may name them. */
export function stepArtifacts(prefix: StepPrefix, step: Step, template: WorkflowTemplate): string[] {
  return (template.outputs?.artifacts ?? []).map(
    ({ name }) => `${prefix}.${step.name}.outputs.artifacts.${name}`,
  );
}

/** The steps whose results a step may use: those of earlier groups, or the tasks it waits for. */
export function visibleSteps(template: WorkflowTemplate, step: Step): Step[] {
  if (template.dag) {
    const ancestors = ancestorsOf(step, template.dag.tasks);
    return template.dag.tasks.filter((task) => ancestors.has(task.name));
  }
  const groups = template.steps ?? [];
  return groups
    .slice(
      0,
      groups.findIndex((group) => group.includes(step)),
    )
    .flat();
}

/** Every step of a template, wherever it stands, with the path to it. */
export function allSteps(template: WorkflowTemplate): { step: Step; path: (string | number)[] }[] {
  const tasks = template.dag?.tasks.map((step, index) => ({ step, path: ["dag", "tasks", index] })) ?? [];
  const steps = (template.steps ?? []).flatMap((group, outer) =>
    group.map((step, inner) => ({ step, path: ["steps", outer, inner] })),
  );
  return [...tasks, ...steps];
}
