import type { RunIdentity } from "@skein/telemetry";
import type { ActParts } from "./parts.ts";

/** What the container's work belongs to, for the attributes of its `run*Container` span. */
export function runIdentity({ config, namespace, template }: ActParts): RunIdentity {
  const { nodeId, workflowName, workflowUid } = config;
  return { workflowName, workflowUid, namespace, templateName: template.name ?? "", nodeId };
}
