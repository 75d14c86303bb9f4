import { templateType } from "@skein/contract";
import type { WorkflowTemplate } from "./types.ts";

const TYPES = ["container", "containerSet", "script", "steps", "dag"] as const;

/** Lists whose items have an identity, and the field that is it; other lists are replaced whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  parameters: "name",
  artifacts: "name",
  env: "name",
  containers: "name",
  initContainers: "name",
  sidecars: "name",
  volumes: "name",
  volumeMounts: "mountPath",
};

/**
 * The template as if it had been written over `templateDefaults`, by the rules of Kubernetes' strategic merge. Defaults for
 * another type of template than this one's do not turn it into that type.
 */
export function withTemplateDefaults(
  template: WorkflowTemplate,
  defaults: Partial<WorkflowTemplate> | undefined,
): WorkflowTemplate {
  if (!defaults) return template;
  const type = templateType(template);
  const merged = merge(defaults, template) as WorkflowTemplate;
  for (const other of TYPES) {
    if (other !== type) delete merged[other];
  }
  return { ...merged, name: template.name };
}

function merge(under: unknown, over: unknown, field = ""): unknown {
  if (over === undefined) return under;
  const key = MERGE_KEYS[field];
  if (Array.isArray(under) && Array.isArray(over)) return key ? mergeItems(under, over, key) : over;
  if (!isObject(under) || !isObject(over)) return over;
  const merged: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) merged[name] = merge(under[name], value, name);
  return merged;
}

function mergeItems(under: readonly unknown[], over: readonly unknown[], key: string): unknown[] {
  const identity = (item: unknown): unknown => (isObject(item) ? item[key] : undefined);
  const inherited = under.filter((item) => !over.some((own) => identity(own) === identity(item)));
  const own = over.map((item) =>
    merge(
      under.find((candidate) => identity(candidate) === identity(item)),
      item,
    ),
  );
  return [...own, ...inherited];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
