import { formatTraceparent, type TraceContext } from "@skein/contract";
import type { PodRequest } from "../engine/engine-context.ts";
import type { WorkflowIdentity } from "../workflow/globals.ts";
import type { EnvironmentVariable, Secrets, UserContainer } from "../workflow/types.ts";
import { EXECUTOR_PATH, type ExecutorSettings } from "./executor-settings.ts";
import { expandVariables } from "./expand-variables.ts";

/** Go's zero time, which says that there is no deadline. */
const NO_DEADLINE = "0001-01-01T00:00:00Z";

export interface PodFacts {
  request: PodRequest;
  identity: WorkflowIdentity;
  settings: ExecutorSettings;
  podUid: string;
  /** Of the span `createWorkflowPod`. */
  trace: TraceContext;
}

type Entries = [name: string, value: string][];

/** The environment of `init` and `wait`, in the order of contract §3.2; of duplicates the last one counts. */
export function executorEnvironment(facts: PodFacts, container: "init" | "wait"): Record<string, string> {
  const { request, identity, settings, podUid } = facts;
  const template: Entries = [["ARGO_TEMPLATE", JSON.stringify(request.template)]];
  const plugins: Entries = [["ARGO_ARTIFACT_PLUGIN_NAMES", ""]];
  return Object.fromEntries([
    ["PATH", EXECUTOR_PATH],
    ["HOME", "/tmp"],
    ["ARGO_POD_NAME", request.podName],
    ["ARGO_POD_UID", podUid],
    ["ARGO_WORKFLOW_NAME", identity.name],
    ["ARGO_WORKFLOW_UID", identity.uid],
    ...Object.entries(settings.executorEnvironment),
    ...traceExport(settings),
    ...(container === "wait" ? plugins : []),
    ["ARGO_CONTAINER_NAME", container],
    ...(container === "init" ? template : []),
    ...tail(facts),
  ] as Entries);
}

/** The environment of `main`: the author's own first, then the controller's. Nothing of the lab's. */
export function userEnvironment(
  facts: PodFacts,
  container: UserContainer,
  secrets: Secrets,
): Record<string, string> {
  const environment: Record<string, string> = {
    PATH: facts.settings.userPath,
    HOME: "/tmp",
    HOSTNAME: facts.request.podName,
  };
  for (const variable of container.env ?? []) {
    const [name, value] = resolveVariable(variable, secrets);
    // A secret's bytes are not text to be expanded; a value may name the variables before it.
    environment[name] = variable.valueFrom ? value : expandVariables(value, environment);
  }
  const added = [...traceExport(facts.settings), ["ARGO_CONTAINER_NAME", "main"], ...tail(facts)] as Entries;
  return { ...environment, ...Object.fromEntries(added) };
}

function resolveVariable(
  { name, value, valueFrom }: EnvironmentVariable,
  secrets: Secrets,
): [string, string] {
  if (!valueFrom) return [name, value ?? ""];
  const { name: secret, key } = valueFrom.secretKeyRef;
  return [name, Buffer.from(secrets.get(secret)?.get(key) ?? []).toString("utf8")];
}

function traceExport({ traceEndpoint }: ExecutorSettings): Entries {
  return [
    ["OTEL_EXPORTER_OTLP_ENDPOINT", traceEndpoint],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"],
  ];
}

function tail({ request, identity, trace }: PodFacts): Entries {
  return [
    ["ARGO_NODE_ID", request.node.id],
    ["ARGO_INCLUDE_SCRIPT_OUTPUT", String(request.includeScriptOutput)],
    ["ARGO_DEADLINE", request.deadline?.toISOString() ?? NO_DEADLINE],
    ["ARGO_WORKFLOW_NAME", identity.name],
    ["TRACESTATE", trace.traceState ?? ""],
    ["TRACEPARENT", formatTraceparent(trace)],
    ["ARGO_PROGRESS_FILE", "/var/run/argo/progress"],
    ["ARGO_PROGRESS_PATCH_TICK_DURATION", "1m0s"],
    ["ARGO_PROGRESS_FILE_TICK_DURATION", "3s"],
  ];
}
