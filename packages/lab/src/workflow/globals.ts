import type { Workflow } from "./types.ts";

/** What a run is called; decided before anything starts. */
export interface WorkflowIdentity {
  name: string;
  uid: string;
  namespace: string;
  createdAt: Date;
}

/** The variables every template sees: `workflow.…`. */
export function globalVariables(workflow: Workflow, identity: WorkflowIdentity): Map<string, string> {
  const { metadata, spec } = workflow;
  const { name, uid, namespace, createdAt } = identity;
  const variables = new Map([
    ["workflow.name", name],
    ["workflow.uid", uid],
    ["workflow.namespace", namespace],
    ["workflow.mainEntrypoint", spec.entrypoint],
    ["workflow.creationTimestamp", createdAt.toISOString().replace(/\.\d+Z$/, "Z")],
    ["workflow.creationTimestamp.s", String(Math.floor(createdAt.getTime() / 1000))],
    ["workflow.creationTimestamp.RFC3339", createdAt.toISOString().replace(/\.\d+Z$/, "Z")],
  ]);
  for (const [key, value] of Object.entries(metadata.labels ?? {}))
    variables.set(`workflow.labels.${key}`, value);
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    variables.set(`workflow.annotations.${key}`, value);
  }
  const parameters = spec.arguments?.parameters ?? [];
  for (const { name, value } of parameters) variables.set(`workflow.parameters.${name}`, value ?? "");
  variables.set("workflow.parameters", JSON.stringify(parameters));
  return variables;
}
