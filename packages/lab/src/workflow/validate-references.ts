import { hasKey, hasLocation } from "@skein/contract";
import { findCycle } from "./dependencies.ts";
import { allSteps } from "./scope.ts";
import type { Path } from "./tags.ts";
import type { TemplateCheck } from "./template-check.ts";
import type { Arguments, WorkflowTemplate } from "./types.ts";

/** Checks what a template refers to: other templates, and what those want to be given. */
export function validateReferences(check: TemplateCheck): void {
  const { plan, template, report } = check;
  for (const { step, path } of allSteps(template)) {
    const target = plan.templates.get(step.template);
    if (target) {
      checkArguments(check, target, step.arguments, path);
    } else {
      const why = step.template.includes("{{") ? "; the lab needs a name without tags" : "";
      report([...path, "template"], `there is no template called "${step.template}"${why}`);
    }
  }
  const calls = (name: string): string[] => {
    const called = plan.templates.get(name);
    return called ? allSteps(called).map(({ step }) => step.template) : [];
  };
  const cycle = findCycle([template.name], calls);
  // Found from every member of the circle; told once, where the circle is entered first.
  if (cycle?.[0] === template.name && isFirst(check, cycle)) {
    report([], `templates that use each other never end: ${cycle.join(" → ")}`);
  }
}

function isFirst({ plan, template }: TemplateCheck, cycle: readonly string[]): boolean {
  return plan.workflow.spec.templates.find(({ name }) => cycle.includes(name)) === template;
}

function checkArguments(
  { report }: TemplateCheck,
  target: WorkflowTemplate,
  given: Arguments | undefined,
  path: Path,
): void {
  for (const message of missingInputs(target, given)) report(path, message);
  for (const [index, parameter] of (given?.parameters ?? []).entries()) {
    if (parameter.value === undefined && parameter.default === undefined) {
      report([...path, "arguments", "parameters", index], `argument "${parameter.name}" needs a value`);
    }
  }
  for (const [index, artifact] of (given?.artifacts ?? []).entries()) {
    if (!artifact.from && !hasLocation(artifact) && !hasKey(artifact)) {
      report(
        [...path, "arguments", "artifacts", index],
        `argument "${artifact.name}" needs "from" or a location`,
      );
    }
  }
}

/** What a template wants to be given and is not. */
export function missingInputs(target: WorkflowTemplate, given: Arguments | undefined): string[] {
  const { parameters = [], artifacts = [] } = target.inputs ?? {};
  const has = (items: readonly { name: string }[] | undefined, name: string): boolean =>
    items?.some((item) => item.name === name) ?? false;
  const wantedParameters = parameters.filter(
    ({ name, value, default: otherwise }) =>
      value === undefined && otherwise === undefined && !has(given?.parameters, name),
  );
  const wantedArtifacts = artifacts.filter(
    (artifact) =>
      !artifact.optional &&
      !hasLocation(artifact) &&
      !hasKey(artifact) &&
      !has(given?.artifacts, artifact.name),
  );
  return [
    ...wantedParameters.map(({ name }) => `template "${target.name}" wants the parameter "${name}"`),
    ...wantedArtifacts.map(({ name }) => `template "${target.name}" wants the artifact "${name}"`),
  ];
}
