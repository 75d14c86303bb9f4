import {
  type InspectedStore,
  inspectStore,
  parseTransferSettings,
  type SecretReader,
  type StoreGreeting,
  type TransferSettings,
} from "@skein/artifacts";
import {
  ArtifactError,
  type Environment,
  errorMessage,
  type Paths,
  type S3Location,
  type Template,
} from "@skein/contract";
import {
  type Connection,
  connect,
  createRestClient,
  inClusterNamespace,
  type RestClient,
} from "@skein/kubernetes";
import { parsePodClaims } from "@skein/telemetry";
import { type ControllerSettings, readController } from "./controller.ts";
import type { DoctorFlags } from "./flags.ts";
import { findRepository, type Repository } from "./repository.ts";
import { createSecretReader } from "./secrets.ts";
import { Stopped } from "./stop.ts";
import { findTemplate, readOptional } from "./template.ts";

/** An API server, as somebody who may or may not be an executor. */
export interface Cluster {
  connection: Connection;
  client: RestClient;
}

/** Everything the checks look at. What takes time is asked for once, by whoever needs it first. */
export interface Examination extends AsyncDisposable {
  flags: DoctorFlags;
  env: Environment;
  paths: Paths;
  version: string;
  /** Of the process as it was started; executors set theirs to 0. */
  umask: number;
  /** The checks run where executors run, with what they are given. */
  inPod: boolean;
  namespace: string;
  cluster: Cluster | undefined;
  /** Why there is no cluster. */
  whyNoCluster: string;
  /** Whose rights are checked: the name of an account of the namespace; undefined for whoever asks, by an unknown name. */
  serviceAccount: string | undefined;
  template: Template | undefined;
  secrets: SecretReader;
  /** @throws ConfigError that names the variable */
  settings(): TransferSettings;
  controller(): Promise<ControllerSettings>;
  repository(): Promise<Repository>;
  /** @throws ArtifactError when the repository is not in S3, or a secret cannot be read */
  store(): Promise<InspectedStore>;
  /** The same without credentials, so that their absence is not taken for the store's. */
  storeToStrangers(): Promise<InspectedStore>;
  /** What it answers to a stranger. */
  greeting(): Promise<StoreGreeting>;
  /** Key of the object that is put, read and deleted. */
  probeKey(): Promise<string>;
}

export interface ExaminationOptions {
  flags: DoctorFlags;
  env: Environment;
  paths: Paths;
  version: string;
  umask: number;
  /** Unique; a part of names that must not meet others. */
  nonce: string;
  /** Ends the waiting for whatever a kubeconfig starts. */
  signal: AbortSignal;
}

export async function openExamination(options: ExaminationOptions): Promise<Examination> {
  const { flags, env, paths, version, nonce } = options;
  const inPod = Boolean(env.KUBERNETES_SERVICE_HOST) && !flags.kubeconfig;
  const limit = (): AbortSignal => AbortSignal.timeout(flags.timeLimitMs);
  const reached = await reachCluster(options, AbortSignal.any([limit(), options.signal]));
  const namespace =
    reached.cluster?.client.namespace ??
    flags.namespace ??
    (await inClusterNamespace(env, paths.serviceAccount));
  const template = inPod ? await findTemplate(env, paths) : undefined;
  const claims = inPod ? parsePodClaims(await readOptional(`${paths.serviceAccount}/token`)) : {};
  const secrets = createSecretReader({ paths, client: reached.cluster?.client, namespace, limit });
  const settings = once(() => parseTransferSettings(TRANSFER_CONFIG(env), env));
  const controller = once(() =>
    readController({ flags, client: reached.cluster?.client, inPod, signal: limit() }),
  );
  const repository = once(() =>
    findRepository({
      flags,
      template,
      client: reached.cluster?.client,
      namespace,
      controller,
      signal: limit(),
    }),
  );
  const open = (at: S3Location): Promise<InspectedStore> =>
    inspectStore(at, secrets, {
      maxSockets: 4,
      idleTimeoutMs: settings().stallTimeoutMs,
      proxyEnv: settings().proxyEnv,
    });
  const store = once(async () => open(s3Of(await repository())));
  const storeToStrangers = once(async () => open(withoutCredentials(s3Of(await repository()))));
  return {
    ...{
      flags,
      env,
      paths,
      version,
      inPod,
      namespace,
      template,
      secrets,
      settings,
      controller,
      repository,
      store,
      storeToStrangers,
    },
    ...reached,
    umask: options.umask,
    serviceAccount: flags.serviceAccount ?? (inPod ? claims.serviceAccountName : "default"),
    greeting: once(async () => (await storeToStrangers()).greet(limit())),
    probeKey: async () => {
      const prefix = flags.prefix?.replace(/([^/])$/, "$1/") ?? (await repository()).prefix;
      return `${prefix}skein-doctor-${nonce}`;
    },
    async [Symbol.asyncDispose]() {
      reached.cluster?.client.close();
      for (const opened of [store.begun, storeToStrangers.begun]) {
        await opened?.then((one) => one.close()).catch(() => {});
      }
    },
  };
}

/** Exec plugins of a kubeconfig may take their time, or for ever. */
async function reachCluster(
  { flags, env, paths, version }: ExaminationOptions,
  signal: AbortSignal,
): Promise<{ cluster: Cluster | undefined; whyNoCluster: string }> {
  const { kubeconfig, context, namespace } = flags;
  try {
    const connection = await raceSignal(
      connect({ flags: { kubeconfig, context, namespace }, env, serviceAccount: paths.serviceAccount }),
      signal,
      "the kubeconfig's credentials did not come in time",
    );
    const client = createRestClient(connection, {
      userAgent: `skein-doctor/${version}`,
      timeoutMs: flags.timeLimitMs,
    });
    return { cluster: { connection, client }, whyNoCluster: "" };
  } catch (error) {
    return { cluster: undefined, whyNoCluster: errorMessage(error) };
  }
}

function raceSignal<T>(work: Promise<T>, signal: AbortSignal, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason instanceof Stopped ? signal.reason : new Error(message));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    work.then(resolve, reject);
  });
}

function s3Of({ location, from }: Repository): S3Location {
  if (location?.s3) return location.s3;
  throw new ArtifactError(`the artifact repository of ${from} is not in S3`, {
    code: "artifact.no_location",
  });
}

function withoutCredentials(at: S3Location): S3Location {
  const { endpoint, bucket, region, insecure, caSecret, addressingStyle } = at;
  return dropUndefined({ endpoint, bucket, region, insecure, caSecret, addressingStyle });
}

function dropUndefined(object: { [Name in keyof S3Location]: S3Location[Name] | undefined }): S3Location {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** What transfers take from the executor's own variables, of which most are only set in pods. */
const TRANSFER_CONFIG = (env: Environment) => ({
  executorRetry: { steps: 1, durationMs: 1000, factor: 1.6, jitter: 0.5 },
  s3UploadThreads: undefined,
  s3UploadPartSizeBytes: undefined,
  transientErrorPattern: env.TRANSIENT_ERROR_PATTERN,
  sshKnownHosts: env.SSH_KNOWN_HOSTS || undefined,
});

/** Does the work when it is first asked for; `begun` is what came of it. */
function once<T>(work: () => T): (() => T) & { begun?: T } {
  const remembered: (() => T) & { begun?: T } = () => {
    remembered.begun ??= work();
    return remembered.begun;
  };
  return remembered;
}
