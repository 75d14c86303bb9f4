import type { Template, VolumeMount } from "./template.ts";

export type TemplateType =
  | "container"
  | "containerSet"
  | "steps"
  | "dag"
  | "script"
  | "resource"
  | "data"
  | "suspend"
  | "http"
  | "plugin"
  | "unknown";

/** The order in which the controller decides what a template is (contract §5.1). */
const TYPE_ORDER = [
  "container",
  "containerSet",
  "steps",
  "dag",
  "script",
  "resource",
  "data",
  "suspend",
  "http",
  "plugin",
] as const;

export function templateType(template: Template): TemplateType {
  return TYPE_ORDER.find((type) => template[type] !== undefined && template[type] !== null) ?? "unknown";
}

/** containerSet: all members in the order they are declared; otherwise exactly `main`. */
export function mainContainerNames(template: Template): string[] {
  const set = template.containerSet;
  return set ? set.containers.map((container) => container.name) : ["main"];
}

export function sidecarNames(template: Template): string[] {
  return (template.sidecars ?? []).map((sidecar) => sidecar.name);
}

/** The mounts that count for overlaps: a containerSet's own ones, not those of its members (contract §5.1). */
export function templateVolumeMounts(template: Template): VolumeMount[] {
  return (
    template.container?.volumeMounts ??
    template.script?.volumeMounts ??
    template.containerSet?.volumeMounts ??
    []
  );
}

/** Whether the template kind can have a script result, output parameters and artifacts (contract §10.2). */
export function hasOutputs(template: Template): boolean {
  switch (templateType(template)) {
    case "container":
    case "script":
    case "data":
    case "http":
    case "plugin":
      return true;
    case "containerSet":
      return mainContainerNames(template).includes("main");
    default:
      return false;
  }
}
