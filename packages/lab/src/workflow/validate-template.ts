import { ArtifactError, cleanArtifactPath, parseGoDuration } from "@skein/contract";
import { dependenciesOf, findCycle, isPlainDepends } from "./dependencies.ts";
import { allSteps, isPodTemplate } from "./scope.ts";
import { secretReferences } from "./secrets.ts";
import { missingSecret, reportDuplicates, type TemplateCheck } from "./template-check.ts";
import { validateContainers } from "./validate-containers.ts";
import { validateRetryStrategy } from "./validate-retry-strategy.ts";

const TYPES = ["container", "containerSet", "script", "steps", "dag"] as const;

/** Checks what can be seen in the template alone. */
export function validateTemplate(check: TemplateCheck): void {
  const { template, report } = check;
  const types = TYPES.filter((type) => template[type] !== undefined);
  if (types.length !== 1) {
    const found = types.length === 0 ? "none of them" : types.join(" and ");
    report(
      [],
      `template "${template.name}" must have one of container, containerSet, script, steps and dag; it has ${found}`,
    );
  }
  for (const [put, io] of Object.entries({ inputs: template.inputs, outputs: template.outputs })) {
    reportDuplicates(io?.parameters, [put, "parameters"], "parameter", report);
    reportDuplicates(io?.artifacts, [put, "artifacts"], "artifact", report);
  }
  validateContainers(check);
  validateRetryStrategy(check);
  validateOutputs(check);
  validateGraph(check);
  validateSecrets(check);
  validateDeadline(check);
}

function validateOutputs({ template, report }: TemplateCheck): void {
  const pod = isPodTemplate(template);
  for (const [index, artifact] of (template.inputs?.artifacts ?? []).entries()) {
    if (pod) checkPath(artifact, (message) => report(["inputs", "artifacts", index], message));
  }
  for (const [index, { name, valueFrom }] of (template.outputs?.parameters ?? []).entries()) {
    const wanted = pod ? "path" : "parameter";
    if (!valueFrom?.[wanted]) {
      report(["outputs", "parameters", index], `output parameter "${name}" needs valueFrom.${wanted}`);
    }
  }
  for (const [index, artifact] of (template.outputs?.artifacts ?? []).entries()) {
    const complain = (message: string): void => report(["outputs", "artifacts", index], message);
    if (pod) checkPath(artifact, complain);
    if (pod && artifact.from)
      complain(`output artifact "${artifact.name}" of a pod has a path, not a "from"`);
    if (!pod && !artifact.from) complain(`output artifact "${artifact.name}" needs "from"`);
  }
}

function checkPath(artifact: { name: string; path?: string }, complain: (message: string) => void): void {
  try {
    const path = cleanArtifactPath(artifact);
    if (!path.startsWith("/")) complain(`artifact "${artifact.name}" needs an absolute path, not "${path}"`);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    complain(error.message);
  }
}

function validateGraph({ template, report }: TemplateCheck): void {
  const steps = allSteps(template);
  const seen = new Set<string>();
  for (const { step, path } of steps) {
    if (seen.has(step.name)) report(path, `a second step called "${step.name}"`);
    seen.add(step.name);
    if (!/^[A-Za-z0-9][\w-]*$/.test(step.name)) report(path, `"${step.name}" cannot be a step's name`);
  }
  for (const { step, path } of steps) {
    if (!template.dag) continue;
    if (step.depends !== undefined && step.dependencies !== undefined) {
      report(path, 'a task has "depends" or "dependencies", not both');
    }
    if (step.depends !== undefined && !isPlainDepends(step.depends)) {
      report(
        [...path, "depends"],
        `the lab understands "depends" with names joined by &&, not "${step.depends}"`,
      );
      continue;
    }
    for (const name of dependenciesOf(step)) {
      if (!seen.has(name)) report(path, `task "${step.name}" depends on "${name}", which does not exist`);
    }
  }
  const tasks = template.dag?.tasks ?? [];
  const cycle = findCycle(seen, (name) => {
    const task = tasks.find((candidate) => candidate.name === name);
    return task ? dependenciesOf(task) : [];
  });
  if (cycle) report(["dag"], `the tasks wait for each other in a circle: ${cycle.join(" → ")}`);
}

function validateSecrets({ plan, template, report }: TemplateCheck): void {
  for (const { name, key, path } of secretReferences(template)) {
    const secret = plan.secrets.get(name);
    if (!secret) report(path, missingSecret(name));
    else if (!secret.has(key)) report(path, `Secret "${name}" has no key "${key}"`);
  }
}

function validateDeadline({ template, report }: TemplateCheck): void {
  const { activeDeadlineSeconds, timeout } = template;
  if (activeDeadlineSeconds !== undefined && !/^\d+$|\{\{/.test(activeDeadlineSeconds)) {
    report(["activeDeadlineSeconds"], `must be a number of seconds, not "${activeDeadlineSeconds}"`);
  }
  if (timeout !== undefined && !timeout.includes("{{") && parseGoDuration(timeout) === undefined) {
    report(["timeout"], `must be a duration such as "90s" or "1h30m", not "${timeout}"`);
  }
}
