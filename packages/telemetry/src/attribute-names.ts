import { ARTIFACT_ATTRIBUTES } from "./artifact-attribute-names.ts";
import type { AttributeDefinition } from "./attribute-definition.ts";
import { CONTROLLER_ATTRIBUTES } from "./controller-attribute-names.ts";
import { GIT_ATTRIBUTES } from "./git-attribute-names.ts";

const RUN = "`run*Container`";
const MAIN = "`runMainContainer`";

const POD_ATTRIBUTES = {
  workflowName: { key: "name", type: "string", on: RUN, source: "argo", brief: "The workflow's name." },
  workflowNamespace: {
    key: "namespace",
    type: "string",
    on: RUN,
    source: "argo",
    brief: "The workflow's namespace.",
  },
  path: {
    key: "path",
    type: "string",
    on: "`loadArtifact`",
    source: "argo",
    brief: "Where the artifact is loaded to, as the init container sees it.",
  },
  archive: {
    key: "archive",
    type: "string",
    on: "`unarchiveArtifact`",
    source: "argo",
    brief: "`none`, `tar` or `zip`.",
  },
  containerName: {
    key: "container_name",
    type: "string",
    on: "`saveContainerLogs`",
    source: "argo",
    brief: "The container whose log is saved.",
  },
  pipelineName: {
    key: "cicd.pipeline.name",
    type: "string",
    on: RUN,
    source: "cicd",
    brief: "The workflow's name.",
  },
  pipelineRunId: {
    key: "cicd.pipeline.run.id",
    type: "string",
    on: RUN,
    source: "cicd",
    brief: "The workflow's UID.",
  },
  pipelineTaskName: {
    key: "cicd.pipeline.task.name",
    type: "string",
    on: RUN,
    source: "cicd",
    brief: "The template's name.",
  },
  pipelineTaskRunId: {
    key: "cicd.pipeline.task.run.id",
    type: "string",
    on: RUN,
    source: "cicd",
    brief: "The node's ID.",
  },
  cicdComponent: {
    key: "cicd.system.component",
    type: "string",
    on: RUN,
    source: "cicd",
    brief: "Always `agent`.",
  },
  exitCode: {
    key: "process.exit.code",
    type: "int",
    on: `${MAIN}; event \`process.end\``,
    source: "process",
    brief: "Exit code of the user's process; 128 + n when signal n ended it.",
  },
  signal: {
    key: "process.signal",
    type: "string",
    on: `${MAIN}; events \`process.end\`, \`signal\`, \`kill\``,
    brief: "The signal, such as `SIGTERM`.",
  },
  signalSource: {
    key: "argo.signal.source",
    type: "string",
    on: "event `signal`",
    brief: "`process` when a process sent it, `file` when it came through the pod's signal file.",
  },
  processPid: {
    key: "process.pid",
    type: "int",
    on: "event `process.start`",
    source: "process",
    brief: "Process id inside the container.",
  },
  processCommand: {
    key: "process.command",
    type: "string",
    on: "event `process.start`",
    source: "process",
    brief: "The program, without its arguments.",
  },
  processAttempt: {
    key: "argo.process.attempt",
    type: "int",
    on: "events `process.start`, `process.end`",
    brief: "1 for the first start; more when a containerSet retries.",
  },
  outputKind: {
    key: "argo.output.kind",
    type: "string",
    on: "event `pack output`",
    brief: "`parameter` or `artifact`.",
  },
  actName: { key: "argo.act.name", type: "string", on: "event `act`", brief: "`begin`, `tick` or `finish`." },
  actDuration: { key: "argo.act.duration", type: "double", on: "event `act`", brief: "Seconds." },
  actCpuTime: {
    key: "argo.act.cpu_time",
    type: "double",
    on: "event `act`",
    brief: "CPU seconds, user and system.",
  },
  actMaxRss: {
    key: "argo.act.max_rss",
    type: "int",
    on: "event `act`",
    brief: "Peak resident memory in bytes.",
  },
  containers: { key: "argo.containers", type: "string[]", on: "event `kill`", brief: "The containers." },
  errorType: {
    key: "error.type",
    type: "string",
    on: "every failed span",
    source: "error",
    brief:
      "The error's code in our taxonomy, such as `s3.access_denied`; `process.exit` or the signal's name for a user's process that failed.",
  },
  errorMessage: {
    key: "error.message",
    type: "string",
    on: "events `error`, `download file`, `upload file`, `pack output`",
    source: "error",
    brief: "The error's text.",
  },
  errorRemedy: {
    key: "argo.error.remedy",
    type: "string",
    on: "every failed span",
    brief: "What a person can change, when the error knows it.",
  },
  exceptionType: {
    key: "exception.type",
    type: "string",
    on: "event `exception`",
    source: "exception",
    brief: "The error's class.",
  },
  exceptionMessage: {
    key: "exception.message",
    type: "string",
    on: "event `exception`",
    source: "exception",
    brief: "The error's text.",
  },
  exceptionStacktrace: {
    key: "exception.stacktrace",
    type: "string",
    on: "event `exception`",
    source: "exception",
    brief: "Where it was thrown.",
  },
  serviceName: {
    key: "service.name",
    type: "string",
    on: "resource",
    source: "service",
    brief: "`argoexec`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says otherwise.",
  },
  serviceVersion: {
    key: "service.version",
    type: "string",
    on: "resource",
    source: "service",
    brief: "The executor's version.",
  },
  k8sNamespace: {
    key: "k8s.namespace.name",
    type: "string",
    on: "resource",
    source: "k8s",
    brief: "The pod's namespace.",
  },
  k8sPodName: {
    key: "k8s.pod.name",
    type: "string",
    on: "resource",
    source: "k8s",
    brief: "The pod's name.",
  },
  k8sPodUid: { key: "k8s.pod.uid", type: "string", on: "resource", source: "k8s", brief: "The pod's UID." },
  k8sContainer: {
    key: "k8s.container.name",
    type: "string",
    on: `resource; ${MAIN}`,
    source: "k8s",
    brief: "The container the span is about.",
  },
  k8sNode: {
    key: "k8s.node.name",
    type: "string",
    on: "resource",
    source: "k8s",
    brief:
      "The node, from the claims of the pod's bound service-account token; absent when the token has none.",
  },
} as const satisfies Record<string, AttributeDefinition>;

/** Every attribute of spans, events and resource, by the name code uses. */
export const ATTRIBUTES = {
  ...POD_ATTRIBUTES,
  ...ARTIFACT_ATTRIBUTES,
  ...GIT_ATTRIBUTES,
  ...CONTROLLER_ATTRIBUTES,
};

/** The wire keys, by the name code uses: `ATTR.artifactBytes`. */
export const ATTR = Object.fromEntries(
  Object.entries(ATTRIBUTES).map(([name, definition]) => [name, definition.key]),
) as { [Name in keyof typeof ATTRIBUTES]: (typeof ATTRIBUTES)[Name]["key"] };

export type AttributeKey = (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES]["key"];
