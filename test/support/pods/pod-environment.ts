import type { Cluster } from "./cluster.ts";
import type { Role } from "./pod-files.ts";
import type { PodRequest } from "./pod-request.ts";

export const POD_TRACE = { traceId: "3be030a2cdb056498597b40666665e37", spanId: "79e6b1236d70c8e3" };

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment a controller gives the container (contract §3.2), and the few variables an image brings. */
export function environmentOf(
  cluster: Cluster,
  pod: string,
  container: { name: string; role: Role },
  request: PodRequest,
): Record<string, string> {
  const { env, envOf, layout, template, templateText } = request;
  const isExecutor = container.role === "init" || container.role === "auxiliary";
  const initless = layout === "initless";
  const carriesTemplate = container.role === (initless ? "auxiliary" : "init");
  const all: Record<string, string | undefined> = {
    PATH: isExecutor ? `/argoexec/bin:${SYSTEM_PATH}` : SYSTEM_PATH,
    HOME: "/tmp",
    ...(isExecutor ? executorEnvironment(cluster, pod) : {}),
    ...(initless && container.role === "auxiliary" ? { ARGO_INITLESS_POD: "true" } : {}),
    ARGO_CONTAINER_NAME: container.name,
    ...(carriesTemplate ? { ARGO_TEMPLATE: templateText ?? JSON.stringify(template) } : {}),
    ARGO_NODE_ID: pod,
    ARGO_INCLUDE_SCRIPT_OUTPUT: "false",
    ARGO_DEADLINE: "0001-01-01T00:00:00Z",
    ARGO_WORKFLOW_NAME: "wf",
    TRACESTATE: "workflow=argo/wf",
    TRACEPARENT: `00-${POD_TRACE.traceId}-${POD_TRACE.spanId}-01`,
    ARGO_PROGRESS_FILE: "/var/run/argo/progress",
    ARGO_PROGRESS_PATCH_TICK_DURATION: "1m0s",
    ARGO_PROGRESS_FILE_TICK_DURATION: "3s",
    ...(initless && !isExecutor ? { ARGO_WAIT_FOR_READY: "true" } : {}),
    ...env,
    ...envOf?.[container.name],
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function executorEnvironment(cluster: Cluster, pod: string): Record<string, string> {
  return {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(cluster.api.port),
    ARGO_POD_NAME: pod,
    ARGO_POD_UID: "c3beca1b-74a1-4b92-8e33-d7a0db3d4400",
    ARGO_WORKFLOW_UID: "1765cc30-0431-4a17-a34d-fd1178ec033f",
    SKEIN_TRACE_FILE: "/trace/spans.jsonl",
  };
}
