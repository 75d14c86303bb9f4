// What a template is.

export { anyString } from "./any-string.ts";
export type { ArchiveStrategy } from "./archive-strategy.ts";
export { archiveStrategy } from "./archive-strategy.ts";
// Where an artifact is.
export type { LocationType } from "./artifact-location.ts";
export {
  driverType,
  getKey,
  hasKey,
  hasLocation,
  keyOnlyLocation,
  locationType,
  relocate,
  withKey,
} from "./artifact-location.ts";
// Whom TLS connections trust.
export { certificateFiles } from "./certificate-files.ts";
export { cleanArtifactPath, cleanPath, isWithin, joinPath } from "./clean-path.ts";
// What the pod gives and takes.
export type { Environment, ExecutorConfig, RetryConfig } from "./config.ts";
export { parseExecutorConfig } from "./config.ts";
// How every room complains, prints and keeps a secret.
export type { ErrorCode, ErrorInit } from "./errors.ts";
export { ArtifactError, ConfigError, ContractError, errorCode, errorMessage, isNotFound } from "./errors.ts";
export { EXIT_ERROR, EXIT_FATAL, EXIT_OK, EXIT_PANIC, EXIT_PRE_MAIN_FAILED } from "./exit-codes.ts";
export { formatGoDuration, parseGoDuration } from "./go-duration.ts";
// What passes between the front and the acts of the core.
export type {
  ActEndLine,
  ActStartLine,
  DeadlineLine,
  EndLine,
  ErrorLine,
  JournalLine,
  KillLine,
  OutputLine,
  ProcessEndLine,
  ProcessStartLine,
  ProgressLine,
  SignalLine,
  SpanLine,
  StartLine,
  WatchEndLine,
  WatchStartLine,
} from "./journal.ts";
export { parseJournal } from "./journal.ts";
export type { LogFields, LogFormat, Logger, LoggerOptions, LogLevel, LogValue } from "./logger.ts";
export { createLogger, LogDuration, parseLogFormat, parseLogLevel } from "./logger.ts";
export {
  ANNOTATION_NODE_ID,
  ANNOTATION_NODE_NAME,
  ANNOTATION_TRACE,
  ANNOTATION_TRACE_LINK,
  API_VERSION,
  INIT_CONTAINER,
  LABEL_CONTROLLER_INSTANCE_ID,
  LABEL_REPORT_OUTPUTS_COMPLETED,
  LABEL_WORKFLOW,
  MAIN_CONTAINER,
  MAX_SCRIPT_RESULT_BYTES,
  OFFLOADED,
  SUPERVISOR_CONTAINER,
  WAIT_CONTAINER,
} from "./names.ts";
export { parseTemplate, serialiseTemplate } from "./parse-template.ts";
export type { Paths } from "./paths.ts";
export { createPaths } from "./paths.ts";
export { redactSecrets, rememberSecret } from "./redact.ts";
export { rememberHeaderSecrets, rememberUrlSecrets } from "./remember-url.ts";
export { Secret } from "./secret.ts";
export type { Outputs, OwnerReference, TaskResultIdentity, WorkflowTaskResult } from "./task-result.ts";
export { newTaskResult } from "./task-result.ts";
export type {
  Archive,
  Artifact,
  ArtifactLocation,
  ArtifactoryLocation,
  AzureLocation,
  ContainerFields,
  ContainerSet,
  GcsLocation,
  GitLocation,
  HdfsLocation,
  HttpLocation,
  OssLocation,
  Parameter,
  PluginLocation,
  RawLocation,
  ResourceTemplate,
  S3Location,
  ScriptTemplate,
  SecretKeySelector,
  Template,
  ValueFrom,
  VolumeMount,
} from "./template.ts";
export type { TemplateType } from "./template-parts.ts";
export {
  hasOutputs,
  mainContainerNames,
  sidecarNames,
  templateType,
  templateVolumeMounts,
} from "./template-parts.ts";
export type { TraceContext } from "./trace-context.ts";
export { deriveTraceContext, formatTraceparent, nodeSpanId, parseTraceparent } from "./trace-context.ts";
export { isTransientText } from "./transient-text.ts";
export { findVolumeMount, isBaseImagePath } from "./volume-mounts.ts";
