import type { Report } from "./shape.ts";
import type { Path } from "./tags.ts";
import type { WorkflowPlan, WorkflowTemplate } from "./types.ts";

/** What a check looks at: the whole plan, and one template with the path to it. */
export interface TemplateCheck {
  plan: WorkflowPlan;
  template: WorkflowTemplate;
  /** Takes note of a problem at a path below the template. */
  report: Report;
}

export function reportDuplicates(
  items: readonly { name: string }[] | undefined,
  path: Path,
  what: string,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [index, { name }] of (items ?? []).entries()) {
    if (seen.has(name)) report([...path, index], `a second ${what} called "${name}"`);
    seen.add(name);
  }
}

export function missingSecret(name: string): string {
  return `there is no Secret "${name}" in this file; add it as a document of its own`;
}
