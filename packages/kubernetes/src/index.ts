// For the acts.

export type { ConnectionFlags } from "./connection.ts";
export type { KubernetesClientOptions } from "./kubernetes-client.ts";
export { createKubernetesClient } from "./kubernetes-client.ts";
export { inClusterNamespace } from "./namespace.ts";
export type { ReportStep, TaskResultReporter, TaskResultReporterOptions } from "./task-result-reporter.ts";
export { createTaskResultReporter } from "./task-result-reporter.ts";

// For whoever builds a connection of their own.

export type { ConnectOptions } from "./connect.ts";
export { connect } from "./connect.ts";
export type { Connection, TlsOptions } from "./connection.ts";
export type { RestClient, RestClientOptions, RestRequest } from "./rest-client.ts";
export { createRestClient } from "./rest-client.ts";

// What goes wrong.

export type { StatusFacts } from "./kubernetes-error.ts";
export { KubernetesError, TASK_RESULT_RBAC_RULE } from "./kubernetes-error.ts";
