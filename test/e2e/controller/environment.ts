import type { EnvVar } from "./pod.ts";
import type { ControllerConfig, Step } from "./step.ts";
import type { ControllerVersion } from "./versions.ts";

/** Of executor containers, before what every container is given (contract §1.4). */
export function executorEnvironment(
  step: Step,
  version: ControllerVersion,
  config: ControllerConfig,
  role: "init" | "auxiliary",
): EnvVar[] {
  const downward = (name: string, fieldPath: string): EnvVar => ({
    name,
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
  });
  return [
    downward("ARGO_POD_NAME", "metadata.name"),
    downward("ARGO_POD_UID", "metadata.uid"),
    ...(version.godebug ? [{ name: "GODEBUG", value: "x509ignoreCN=0" }] : []),
    { name: "ARGO_WORKFLOW_NAME", value: step.workflow.name },
    { name: "ARGO_WORKFLOW_UID", value: step.workflow.uid },
    ...(config.executor.env ?? []),
    ...(role === "auxiliary" ? auxiliaryEnvironment(version) : []),
  ];
}

function auxiliaryEnvironment({ layout, namesPlugins }: ControllerVersion): EnvVar[] {
  if (layout === "initless") return [{ name: "ARGO_INITLESS_POD", value: "true" }];
  return namesPlugins ? [{ name: "ARGO_ARTIFACT_PLUGIN_NAMES" }] : [];
}

/** What is added to the containers of the pod, in the order of contract §3.2. */
export function commonEnvironment(
  step: Step,
  version: ControllerVersion,
  container: { name: string; template?: string },
): EnvVar[] {
  const { workflow, trace, deadline } = step;
  const { traces } = version;
  return [
    { name: "ARGO_CONTAINER_NAME", value: container.name },
    ...(container.template === undefined ? [] : [{ name: "ARGO_TEMPLATE", value: container.template }]),
    { name: "ARGO_NODE_ID", value: step.nodeId },
    { name: "ARGO_INCLUDE_SCRIPT_OUTPUT", value: String(step.includeScriptOutput ?? false) },
    { name: "ARGO_DEADLINE", value: deadline ? rfc3339(deadline) : "0001-01-01T00:00:00Z" },
    ...(traces
      ? [
          { name: "ARGO_WORKFLOW_NAME", value: workflow.name },
          { name: "TRACESTATE", value: `workflow=argo/${workflow.name}` },
          { name: "TRACEPARENT", value: `00-${trace.traceId}-${trace.spanId}-01` },
        ]
      : []),
    { name: "ARGO_PROGRESS_FILE", value: "/var/run/argo/progress" },
    { name: "ARGO_PROGRESS_PATCH_TICK_DURATION", value: "1m0s" },
    { name: "ARGO_PROGRESS_FILE_TICK_DURATION", value: "3s" },
  ];
}

/** To the second, as Go's `time.RFC3339` prints it. */
function rfc3339(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
