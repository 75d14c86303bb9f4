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
  for (const [index, { name: volume }] of (spec.volumes ?? []).entries()) {
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(volume))
      report(
        ["spec", "volumes", index, "name"],
        `"${volume}" cannot be a volume's name: lower case letters, digits and "-" only`,
      );
  }
  for (const [index, template] of spec.templates.entries()) {
    const base: Path = ["spec", "templates", index];
    // Argo's own rule; the name becomes a part of the pod's.
    if (!/^[a-zA-Z0-9][-a-zA-Z0-9]*$/.test(template.name))
      report(
        [...base, "name"],
        `"${template.name}" cannot be a template's name: letters, digits and "-" only`,
      );
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
