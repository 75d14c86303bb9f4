import {
  formatTraceparent,
  INIT_CONTAINER,
  SUPERVISOR_CONTAINER,
  type TraceContext,
  WAIT_CONTAINER,
} from "@skein/contract";
import type { PodRequest } from "../engine/engine-context.ts";
import type { AuthoredContainer } from "../workflow/containers.ts";
import type { WorkflowIdentity } from "../workflow/globals.ts";
import type { EnvironmentVariable, Secrets } from "../workflow/types.ts";
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

/** The environment of the executor's own containers, in the order of contract §3.2; of duplicates the last one counts. */
export function executorEnvironment(
  facts: PodFacts,
  container: typeof INIT_CONTAINER | typeof WAIT_CONTAINER | typeof SUPERVISOR_CONTAINER,
): Record<string, string> {
  const { request, identity, settings, podUid } = facts;
  const template = templateEntry(request);
  const only = (name: string, entries: Entries): Entries => (container === name ? entries : []);
  return Object.fromEntries([
    ["PATH", EXECUTOR_PATH],
    ["HOME", "/tmp"],
    ["ARGO_POD_NAME", request.podName],
    ["ARGO_POD_UID", podUid],
    ["ARGO_WORKFLOW_NAME", identity.name],
    ["ARGO_WORKFLOW_UID", identity.uid],
    ...traceExport(settings),
    ...Object.entries(settings.executorEnvironment),
    ...only(WAIT_CONTAINER, [["ARGO_ARTIFACT_PLUGIN_NAMES", ""]]),
    ...only(SUPERVISOR_CONTAINER, [["ARGO_INITLESS_POD", "true"]]),
    ["ARGO_CONTAINER_NAME", container],
    ...only(INIT_CONTAINER, template),
    ...tail(facts),
    ...only(SUPERVISOR_CONTAINER, template),
    ...(container === INIT_CONTAINER ? [] : gracePeriod(request)),
  ] as Entries);
}

/** The environment of a container of the user's: the author's own first, then the controller's. Nothing of the lab's. */
export function userEnvironment(
  facts: PodFacts,
  { name, role, container }: AuthoredContainer,
  secrets: Secrets,
): Record<string, string> {
  const { request, settings } = facts;
  const environment: Record<string, string> = {
    PATH: settings.userPath,
    HOME: "/tmp",
    HOSTNAME: request.podName,
  };
  for (const variable of container.env ?? []) {
    const [own, value] = resolveVariable(variable, secrets);
    // A secret's bytes are not text to be expanded; a value may name the variables before it.
    environment[own] = variable.valueFrom ? value : expandVariables(value, environment);
  }
  const initless = settings.layout === "initless";
  const added: Entries = [
    // As the controller's `mainContainer` would have it, which is for main containers alone.
    ...(role === "main" ? traceExport(settings) : []),
    ["ARGO_CONTAINER_NAME", name],
    ...(role === "init" && !initless ? templateEntry(request) : []),
    ...tail(facts),
    ...(role !== "init" && initless ? ([["ARGO_WAIT_FOR_READY", "true"]] as Entries) : []),
    ...(role === "init" ? [] : gracePeriod(request)),
  ];
  return { ...environment, ...Object.fromEntries(added) };
}

function templateEntry({ template }: PodRequest): Entries {
  return [["ARGO_TEMPLATE", JSON.stringify(template)]];
}

function gracePeriod({ terminationGracePeriodSeconds: seconds }: PodRequest): Entries {
  return seconds === undefined ? [] : [["ARGO_TERMINATION_GRACE_PERIOD_SECONDS", String(seconds)]];
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
