import { hasLocation, type Parameter } from "@skein/contract";
import { parse } from "yaml";
import { type Problem, WorkflowFileError } from "../errors.ts";
import { repositoryShape } from "./artifact-shapes.ts";
import { globalVariables } from "./globals.ts";
import type { WorkflowFile } from "./parse-workflow-file.ts";
import { secretReferences } from "./secrets.ts";
import type { Report } from "./shape.ts";
import { tagsOf, textsOf } from "./tags.ts";
import { withTemplateDefaults } from "./template-defaults.ts";
import type { ArtifactRepository, Workflow, WorkflowPlan } from "./types.ts";
import { validatePlan } from "./validate.ts";
import { missingInputs } from "./validate-references.ts";

/**
 * Turns a file into a plan, with the parameters given on the command line.
 *
 * @throws WorkflowFileError with everything that would make the run fail for reasons that lie in the file
 */
export function planWorkflow(
  file: WorkflowFile,
  given: ReadonlyMap<string, string> = new Map(),
): WorkflowPlan {
  const problems: Problem[] = [];
  const report: Report = (path, message) => void problems.push({ ...file.position(path), message });
  const spec = {
    ...file.workflow.spec,
    arguments: { ...file.workflow.spec.arguments, parameters: withGiven(file.workflow, given, report) },
    templates: file.workflow.spec.templates.map((template) =>
      withTemplateDefaults(template, file.workflow.spec.templateDefaults),
    ),
  };
  const workflow: Workflow = { ...file.workflow, spec };
  const plan: WorkflowPlan = {
    workflow,
    templates: new Map(spec.templates.map((template) => [template.name, template])),
    secrets: file.secrets,
    repository: parseRepository(file, report),
    globalNames: new Set(
      globalVariables(workflow, { name: "", uid: "", namespace: "", createdAt: new Date(0) }).keys(),
    ),
  };
  checkArguments(plan, report);
  validatePlan(plan, report);
  if (problems.length > 0) throw new WorkflowFileError(file.name, problems);
  return plan;
}

function withGiven(workflow: Workflow, given: ReadonlyMap<string, string>, report: Report): Parameter[] {
  const declared = workflow.spec.arguments?.parameters ?? [];
  for (const name of given.keys()) {
    if (declared.some((parameter) => parameter.name === name)) continue;
    const known = declared.map((parameter) => parameter.name).join(", ");
    report(["spec", "arguments"], `the workflow has no parameter "${name}"; it has ${known || "none"}`);
  }
  return declared.map((parameter) => {
    const value = given.get(parameter.name) ?? parameter.value ?? parameter.default;
    return value === undefined ? parameter : { ...parameter, value };
  });
}

function checkArguments({ workflow, templates }: WorkflowPlan, report: Report): void {
  const { spec } = workflow;
  const path = ["spec", "arguments", "parameters"];
  for (const [index, { name, value, enum: allowed }] of (spec.arguments?.parameters ?? []).entries()) {
    if (value === undefined) {
      report([...path, index], `parameter "${name}" needs a value; give it one with -p ${name}=…`);
    } else if (allowed && !allowed.includes(value)) {
      report([...path, index], `parameter "${name}" must be one of ${allowed.join(", ")}, not "${value}"`);
    }
  }
  for (const [index, artifact] of (spec.arguments?.artifacts ?? []).entries()) {
    if (hasLocation(artifact)) continue;
    report(["spec", "arguments", "artifacts", index], `artifact "${artifact.name}" needs a whole location`);
  }
  for (const { text, path: inside } of textsOf(spec.arguments)) {
    for (const tag of tagsOf(text)) {
      report(
        ["spec", "arguments", ...inside],
        `tags have no values in the workflow's own arguments: {{${tag}}}`,
      );
    }
  }
  const entry = templates.get(spec.entrypoint);
  if (!entry) {
    report(["spec", "entrypoint"], `there is no template called "${spec.entrypoint}"`);
    return;
  }
  for (const message of missingInputs(entry, spec.arguments)) {
    report(["spec", "entrypoint"], `${message}; the workflow's arguments do not have it`);
  }
}

/** `artifactRepositoryRef` names a ConfigMap of the same file that holds a repository as YAML, as in a cluster. */
function parseRepository(file: WorkflowFile, report: Report): ArtifactRepository | undefined {
  const reference = file.workflow.spec.artifactRepositoryRef;
  if (!reference) return undefined;
  const path = ["spec", "artifactRepositoryRef"];
  const { configMap = "artifact-repositories", key = "" } = reference;
  const text = file.configMaps.get(configMap)?.[key];
  if (text === undefined) {
    report(path, `there is no ConfigMap "${configMap}" with a key "${key}" in this file`);
    return undefined;
  }
  const at: Report = (inside, message) =>
    report(path, `${configMap}/${key}: ${inside.join(".")}: ${message}`);
  const repository = repositoryShape(parse(text), [], at) as ArtifactRepository | undefined;
  if (!repository?.s3?.endpoint || !repository.s3.bucket) {
    at(["s3"], "the lab needs an s3 repository with endpoint and bucket");
    return undefined;
  }
  for (const { name, key: field } of secretReferences(repository)) {
    if (!file.secrets.get(name)?.has(field))
      at(["s3"], `there is no Secret "${name}" with a key "${field}" in this file`);
  }
  return repository;
}
