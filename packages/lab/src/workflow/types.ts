import type {
  Artifact,
  ContainerSet,
  Parameter,
  S3Location,
  ScriptTemplate,
  Template,
  VolumeMount,
} from "@skein/contract";

/**
 * The parts of Argo's v1alpha1 types that a controller reads and the lab understands. Field names are the API's own;
 * values have the types given here once `parseWorkflowFile` has accepted the file.
 */

export interface Arguments {
  parameters?: Parameter[];
  artifacts?: Artifact[];
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}

export interface UserContainer {
  name?: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvironmentVariable[];
  workingDir?: string;
  volumeMounts?: VolumeMount[];
}

/** A member of a containerSet. */
export interface SetMember extends UserContainer {
  name: string;
  dependencies?: string[];
}

/** A container beside the main ones, or before them. */
export interface ExtraContainer extends UserContainer {
  name: string;
  /** Gets everything mounted that `main` has. */
  mirrorVolumeMounts?: boolean;
}

export interface Volume {
  name: string;
  emptyDir?: object;
  secret?: { secretName: string; items?: { key: string; path: string }[] };
}

/** A step of a `steps` template or a task of a `dag` template. */
export interface Step {
  name: string;
  template: string;
  arguments?: Arguments;
  /** Tasks only. */
  dependencies?: string[];
  /** Tasks only: names joined by `&&`. */
  depends?: string;
}

export interface Dag {
  tasks: Step[];
  failFast?: boolean;
}

/** When an attempt counts as one to be repeated. */
export type RetryPolicy = "Always" | "OnFailure" | "OnError" | "OnTransientError";

/** Numbers may be texts, for they may come from parameters. Durations are Go's, or a number of seconds. */
export interface RetryStrategy {
  /** Attempts after the first one; without a limit there is no end to them. */
  limit?: string;
  /** Default `OnFailure`. */
  retryPolicy?: RetryPolicy;
  backoff?: { duration?: string; factor?: string; cap?: string; maxDuration?: string };
}

type OwnFields = "container" | "script" | "containerSet" | "steps" | "dag" | "sidecars";

export interface WorkflowTemplate extends Omit<Template, OwnFields> {
  name: string;
  container?: UserContainer;
  script?: UserContainer & ScriptTemplate;
  containerSet?: Omit<ContainerSet, "containers"> & { containers: SetMember[] };
  sidecars?: ExtraContainer[];
  initContainers?: ExtraContainer[];
  retryStrategy?: RetryStrategy;
  /** JSON; the lab understands `terminationGracePeriodSeconds`. */
  podSpecPatch?: string;
  steps?: Step[][];
  dag?: Dag;
  volumes?: Volume[];
  /** Seconds; text where the file has a tag or quotes. */
  activeDeadlineSeconds?: string;
  /** A Go duration. */
  timeout?: string;
}

export interface WorkflowSpec {
  entrypoint: string;
  arguments?: Arguments;
  templates: WorkflowTemplate[];
  templateDefaults?: Partial<WorkflowTemplate>;
  volumes?: Volume[];
  archiveLogs?: boolean;
  /** The repository that outputs without a location of their own go to; a ConfigMap of the same file. */
  artifactRepositoryRef?: { configMap?: string; key?: string };
  activeDeadlineSeconds?: number;
  parallelism?: number;
}

export interface Workflow {
  metadata: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: WorkflowSpec;
}

/** Where outputs without a location of their own go, as Argo's `artifact-repositories` config maps have it. */
export interface ArtifactRepository {
  archiveLogs?: boolean;
  /** `keyFormat` is the key with tags, by default `{{workflow.name}}/{{pod.name}}`. */
  s3: S3Location & { keyFormat?: string };
}

/** Values by secret name and key. */
export type Secrets = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

/** A workflow that can be run as it is. */
export interface WorkflowPlan {
  /** Templates merged with `templateDefaults`, every parameter with its value. */
  workflow: Workflow;
  templates: ReadonlyMap<string, WorkflowTemplate>;
  secrets: Secrets;
  /** The file's own repository; `undefined` for the lab's. */
  repository: ArtifactRepository | undefined;
  /** The names every template may use in tags. */
  globalNames: ReadonlySet<string>;
}
