import {
  allSteps,
  isPodTemplate,
  type StepPrefix,
  stepArtifacts,
  stepVariables,
  templateVariables,
  visibleSteps,
} from "./scope.ts";
import { type Path, soleTag, tagsOf, textsOf } from "./tags.ts";
import type { TemplateCheck } from "./template-check.ts";
import type { Step } from "./types.ts";

/** Checks that every tag of the template will have a value by the time it is needed. */
export function validateTags(check: TemplateCheck): void {
  const { plan, template } = check;
  const prefix: StepPrefix = template.dag ? "tasks" : "steps";
  const own = new Set([...plan.globalNames, ...templateVariables(template)]);
  const { inputs, outputs, steps: _steps, dag: _dag, name: _name, ...body } = template;
  const global = new Set(plan.globalNames);
  for (const part of ["parameters", "artifacts"] as const) {
    // Defaults of inputs are known before any input is.
    checkTexts(check, inputs?.[part], ["inputs", part], part === "parameters" ? global : own);
  }
  checkTexts(check, body, [], own);
  for (const { step, path } of allSteps(template)) {
    const visible = visibleSteps(template, step);
    const known = new Set([...own, ...namesOf(check, prefix, visible, stepVariables)]);
    checkFrom(check, step.arguments?.artifacts, [...path, "arguments", "artifacts"], prefix, visible);
    checkTexts(check, withoutFrom(step.arguments), [...path, "arguments"], known);
  }
  if (isPodTemplate(template)) checkTexts(check, outputs, ["outputs"], own);
  else checkGathered(check, prefix, own);
}

/** The outputs of steps and dag templates are gathered from their steps. */
function checkGathered(check: TemplateCheck, prefix: StepPrefix, own: ReadonlySet<string>): void {
  const { template } = check;
  const { outputs } = template;
  const all = allSteps(template).map(({ step }) => step);
  checkFrom(check, outputs?.artifacts, ["outputs", "artifacts"], prefix, all);
  const known = new Set([...own, ...namesOf(check, prefix, all, stepVariables)]);
  checkTexts(check, outputs?.parameters, ["outputs", "parameters"], known);
}

function namesOf(
  { plan }: TemplateCheck,
  prefix: StepPrefix,
  steps: readonly Step[],
  names: typeof stepVariables,
): string[] {
  return steps.flatMap((step) => {
    const template = plan.templates.get(step.template);
    return template ? names(prefix, step, template) : [];
  });
}

/** Artifacts are passed by name, not by text: `from` is exactly one tag that names one. */
function checkFrom(
  check: TemplateCheck,
  artifacts: readonly { name: string; from?: string }[] | undefined,
  path: Path,
  prefix: StepPrefix,
  visible: readonly Step[],
): void {
  const inputs = (check.template.inputs?.artifacts ?? []).map(({ name }) => `inputs.artifacts.${name}`);
  const known = new Set([...inputs, ...namesOf(check, prefix, visible, stepArtifacts)]);
  for (const [index, { from }] of (artifacts ?? []).entries()) {
    if (from === undefined) continue;
    const tag = soleTag(from);
    const at = [...path, index, "from"];
    if (tag === undefined)
      check.report(at, `"from" must be one tag such as "{{inputs.artifacts.x}}", not "${from}"`);
    else if (!known.has(tag)) check.report(at, unknownTag(tag));
  }
}

function withoutFrom(given: Step["arguments"]): unknown {
  return { ...given, artifacts: given?.artifacts?.map(({ from: _from, ...rest }) => rest) };
}

function checkTexts(check: TemplateCheck, value: unknown, path: Path, known: ReadonlySet<string>): void {
  for (const { text, path: inside } of textsOf(value)) {
    for (const tag of tagsOf(text)) {
      if (!known.has(tag)) check.report([...path, ...inside], unknownTag(tag));
    }
  }
}

function unknownTag(tag: string): string {
  if (tag.startsWith("=")) return `the lab does not understand expressions: {{${tag}}}`;
  return `nothing gives {{${tag}}} a value here`;
}
