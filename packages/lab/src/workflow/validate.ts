import type { Report } from "./shape.ts";
import type { Path } from "./tags.ts";
import { reportDuplicates, type TemplateCheck } from "./template-check.ts";
import type { WorkflowPlan } from "./types.ts";
import { validateReferences } from "./validate-references.ts";
import { validateTags } from "./validate-tags.ts";
import { validateTemplate } from "./validate-template.ts";

/** Everything that would only come to light when the workflow is half done, found before it begins. */
export function validatePlan(plan: WorkflowPlan, report: Report): void {
  const { spec, metadata } = plan.workflow;
  if (!metadata.name && !metadata.generateName)
    report(["metadata"], 'metadata needs "name" or "generateName"');
  const name = metadata.name ?? `${metadata.generateName}xxxxx`;
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    report(
      ["metadata"],
      `"${name}" cannot be a workflow's name: lower case letters, digits, "-" and "." only`,
    );
  }
  reportDuplicates(spec.templates, ["spec", "templates"], "template", report);
  reportDuplicates(spec.arguments?.parameters, ["spec", "arguments", "parameters"], "parameter", report);
  reportDuplicates(spec.volumes, ["spec", "volumes"], "volume", report);
  for (const [index, template] of spec.templates.entries()) {
    const base: Path = ["spec", "templates", index];
    const check: TemplateCheck = {
      plan,
      template,
      report: (path, message) => report([...base, ...path], message),
    };
    validateTemplate(check);
    validateReferences(check);
    validateTags(check);
  }
}
