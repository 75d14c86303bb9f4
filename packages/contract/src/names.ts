/** Names of things in the pod that controller and executor agree on (contract §1.1–1.2). */
export const MAIN_CONTAINER = "main";
export const INIT_CONTAINER = "init";
export const WAIT_CONTAINER = "wait";
export const SUPERVISOR_CONTAINER = "supervisor";

export const API_VERSION = "argoproj.io/v1alpha1";
export const LABEL_WORKFLOW = "workflows.argoproj.io/workflow";
export const LABEL_REPORT_OUTPUTS_COMPLETED = "workflows.argoproj.io/report-outputs-completed";
export const LABEL_CONTROLLER_INSTANCE_ID = "workflows.argoproj.io/controller-instanceid";
export const ANNOTATION_NODE_ID = "workflows.argoproj.io/node-id";
export const ANNOTATION_NODE_NAME = "workflows.argoproj.io/node-name";

/** The template annotation that chooses how much is traced; set once for a workflow through `templateDefaults`. */
export const ANNOTATION_TRACE = "skein.dev/trace";

/** A `traceparent` that the run is to be compared with: the spans of its containers get a link to it. */
export const ANNOTATION_TRACE_LINK = "skein.dev/trace-link";

/** The value of `ARGO_TEMPLATE` that says: read the file (contract §5.7). */
export const OFFLOADED = "offloaded";

/** The longest script result in bytes; of a longer one the end is kept (contract §10.2). */
export const MAX_SCRIPT_RESULT_BYTES = 262_144;
