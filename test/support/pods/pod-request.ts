import type { SandboxProcess, SecurityContext } from "@skein/lab/testing";
import type { OtlpSpan } from "@skein/telemetry";
import type { ApiRequest, Faults, StoredResult } from "../task-result-api.ts";

/** A template as a controller hands it to the executor; only what the tests use is typed. */
export interface PodTemplate {
  container?: object;
  script?: { source: string };
  containerSet?: object;
  inputs?: { artifacts?: { name: string; path: string; optional?: boolean; [field: string]: unknown }[] };
  outputs?: object;
  archiveLocation?: object;
  [field: string]: unknown;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface PodRequest {
  template: PodTemplate;
  /** `init`: an init container and `wait`. `initless`: `supervisor` (contract §9). Default `init`. */
  layout?: "init" | "initless";
  /** What the user's container `main` runs. Default `true`. */
  argv?: readonly string[];
  /** Instead of `main`: the members of a containerSet and what they run, in this order. */
  members?: Readonly<Record<string, readonly string[]>>;
  /** The user's sidecars. Their names are added to the template. */
  sidecars?: Readonly<Record<string, readonly string[]>>;
  /** Containers that never start, as when an image cannot be pulled. */
  absent?: readonly string[];
  /** Added to, or with `undefined` taken from, the environment of every container. */
  env?: Environment;
  /** The same for the container of that name. */
  envOf?: Readonly<Record<string, Environment>>;
  /** Instead of the template's JSON, in `ARGO_TEMPLATE`. */
  templateText?: string;
  /** Files of secrets, by `<secret>/<key>`; default the credentials of the S3 server. */
  secrets?: Readonly<Record<string, string>>;
  /** Files of the pod's config map, below `/argo/config`. */
  config?: Readonly<Record<string, string>>;
  /** Mount paths of a volume each, shared by the user's containers and, below `/mainctrfs`, the executor. */
  volumes?: readonly string[];
  /** Flags after the command, default those of a controller with `--loglevel debug --log-format json`. */
  logFlags?: readonly string[];
  /** Of `main`. Default `/`. */
  workingDirectory?: string;
  /** Default the cluster's. */
  securityContext?: SecurityContext;
  /** By container, where it differs. */
  securityContextOf?: Readonly<Record<string, SecurityContext>>;
  /**
   * Whether there is a controller which, when a container has failed or all have ended, has `argoexec kill 15 1` run in
   * those that are left (contract §18). Default true.
   */
  controller?: boolean;
  /** What the API server answers to requests for this pod's task result instead of serving them. */
  api?: Faults;
  /** By container: how often a kubelet starts it again when it has failed. Default never, as in Argo's pods. */
  restarts?: Readonly<Record<string, number>>;
  /** Fills volumes before anything runs. */
  prepare?: (pod: PodFilesystem) => void;
  /** Told before a container is started again. */
  onRestart?: (container: string) => void | Promise<void>;
  /** Told of every container that has been started, and again when it was started again. */
  onStart?: (container: string, process: SandboxProcess, pod: PodFilesystem) => void | Promise<void>;
  /** Told as soon as the user's containers and `wait` or `supervisor` have been started. */
  onRunning?: (pod: RunningPod) => void | Promise<void>;
}

export interface PodFilesystem {
  /** Of the pod and of its task result. */
  name: string;
  /** Path on the machine of a file below `/var/run/argo`. */
  shared(path: string): string;
  /** Path on the machine of the volume that is mounted there. */
  volume(mountPath: string): string;
  /** Path on the machine of what has been loaded for the input artifact. */
  input(name: string): string;
}

export interface RunningPod extends PodFilesystem {
  /** By container name; the first run of each. */
  containers: Readonly<Record<string, SandboxProcess>>;
  main: SandboxProcess;
  /** `wait`, or `supervisor`. */
  wait: SandboxProcess;
  /** Of this pod's task result so far. */
  requests(): ApiRequest[];
}

export interface ContainerEnd {
  exitCode: number;
  log: string;
  terminationMessage: string;
}

/** What is left of a pod that has ended. */
export interface PodEnd extends PodFilesystem {
  /** By container name, of those that were started; the last run of each. */
  ends: Readonly<Record<string, ContainerEnd>>;
  /** By container: how often it was started. */
  starts: Readonly<Record<string, number>>;
  /** Of the init layout; exit code -1 otherwise. */
  init: ContainerEnd;
  /** Absent when it never started. */
  main?: ContainerEnd;
  /** `wait`, or `supervisor`. */
  wait?: ContainerEnd;
  result: StoredResult | undefined;
  requests: ApiRequest[];
  spans: OtlpSpan[];
}
