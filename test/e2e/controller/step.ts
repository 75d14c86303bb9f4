import type { Container, EnvVar, PodSecurityContext, SecurityContext, Volume, VolumeMount } from "./pod.ts";

/** A container as an author writes it; the controller gives the main one its name. */
export type AuthorContainer = Omit<Container, "name"> & { name?: string; dependencies?: string[] };

export interface Artifact {
  name: string;
  path: string;
  optional?: boolean;
  archive?: object;
  mode?: number;
  [location: string]: unknown;
}

/** A template as its author wrote it, with the inputs resolved. */
export interface StepTemplate {
  name: string;
  container?: AuthorContainer;
  script?: AuthorContainer & { source: string };
  containerSet?: {
    containers: AuthorContainer[];
    volumeMounts?: VolumeMount[];
    retryStrategy?: { retries: number | string; duration?: string };
  };
  sidecars?: AuthorContainer[];
  volumes?: Volume[];
  inputs?: { parameters?: { name: string; value: string }[]; artifacts?: Artifact[] };
  outputs?: { parameters?: object[]; artifacts?: Artifact[] };
  metadata?: { annotations?: Record<string, string>; labels?: Record<string, string> };
}

/** What a controller knows when it makes a pod of one node of a workflow. */
export interface Step {
  workflow: { name: string; uid: string };
  nodeName: string;
  nodeId: string;
  podName: string;
  template: StepTemplate;
  /** Somebody refers to `outputs.result`. */
  includeScriptOutput?: boolean;
  /** Of the workflow. */
  deadline?: Date;
  /** `activeDeadlineSeconds` of the template, or what is left of the workflow's. */
  activeDeadlineSeconds?: number;
  /** Set by a podSpecPatch. */
  terminationGracePeriodSeconds?: number;
  securityContext?: PodSecurityContext;
  serviceAccountName: string;
  /** Ids of the span `createWorkflowPod`, for controllers that trace. */
  trace: { traceId: string; spanId: string };
}

/** The controller's ConfigMap. */
export interface ControllerConfig {
  namespace: string;
  executor: {
    image: string;
    env?: EnvVar[];
    securityContext?: SecurityContext;
    resources?: Container["resources"];
  };
  mainContainer?: { env?: EnvVar[]; securityContext?: SecurityContext };
  /** What images run when the author names no command: a controller looks it up here, or in the registry. */
  images?: Record<string, { command: string[]; args?: string[] }>;
  /** The default artifact repository: an S3 location without a key. */
  repository: { archiveLogs?: boolean; s3: Record<string, unknown> };
  logFormat?: "text" | "json";
}
