import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SandboxMount, SandboxProcess } from "@skein/lab/testing";
import type { OtlpSpan, OtlpTraceRequest } from "@skein/telemetry";
import type { StoredResult } from "../../support/task-result-api.ts";
import type { Cluster } from "./cluster.ts";

/** A template as a controller hands it to the executor; only what the tests use is typed. */
export interface PodTemplate {
  container?: object;
  script?: { source: string };
  inputs?: { artifacts?: { name: string; path: string; optional?: boolean }[] };
  outputs?: object;
  archiveLocation?: object;
  [field: string]: unknown;
}

export interface PodRequest {
  template: PodTemplate;
  /** What the user's container runs. Default `true`. */
  argv?: readonly string[];
  /** Added to, or with `undefined` taken from, the environment of the executor's containers. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Instead of the template's JSON, in `ARGO_TEMPLATE`. */
  templateText?: string;
  /** Files of secrets, by `<secret>/<key>`; default the credentials of the S3 server. */
  secrets?: Readonly<Record<string, string>>;
  /** Mount paths of a volume each, shared by main and, below `/mainctrfs`, the executor. */
  volumes?: readonly string[];
  /** Fills volumes before anything runs. */
  prepare?: (pod: { volume(mountPath: string): string }) => void;
  /** Told as soon as main and wait run. */
  onRunning?: (containers: { main: SandboxProcess; wait: SandboxProcess }) => void;
}

export interface ContainerEnd {
  exitCode: number;
  log: string;
  terminationMessage: string;
}

/** What is left of a pod that has ended. */
export interface PodEnd {
  init: ContainerEnd;
  /** Absent when init failed. */
  main?: ContainerEnd;
  wait?: ContainerEnd;
  result: StoredResult | undefined;
  spans: OtlpSpan[];
  /** Path on the machine of a file below `/var/run/argo`, or of a volume that is mounted at the path. */
  shared(path: string): string;
  volume(mountPath: string): string;
}

const LOG_FLAGS = ["--loglevel", "debug", "--log-format", "json", "--gloglevel", "0"];
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const POD_TRACE = { traceId: "3be030a2cdb056498597b40666665e37", spanId: "79e6b1236d70c8e3" };

let podCount = 0;

/**
 * Runs one pod of the init layout as kubelet and controller would (contract §1): `init` to its end, then `wait` and
 * `main` side by side, each in its own mounts, with nothing but the real front and core in them.
 */
export async function runPod(cluster: Cluster, request: PodRequest): Promise<PodEnd> {
  podCount += 1;
  const name = `pod-${podCount}`;
  const files = createPodFiles(cluster, name, request);
  const start = (container: string, argv: readonly string[], mounts: SandboxMount[]) =>
    cluster.sandbox.start({
      argv,
      environment: environmentOf(cluster, name, container, request),
      mounts,
      terminationLog: files.at(`${container}.termination`),
      log: files.at(`${container}.log`),
      stateDirectory: files.at(`state/${container}`),
    });
  const endOf = async (container: string, process: SandboxProcess): Promise<ContainerEnd> => ({
    exitCode: await process.exitCode,
    log: readFileSync(files.at(`${container}.log`), "utf8"),
    terminationMessage: readFileSync(files.at(`${container}.termination`), "utf8"),
  });

  const volume = (mountPath: string): string => files.directory(join("volumes", mountPath));
  request.prepare?.({ volume });
  const init = await endOf(
    "init",
    await start("init", ["argoexec", "init", ...LOG_FLAGS], files.mounts("init")),
  );
  const ends: Partial<Record<"main" | "wait", ContainerEnd>> = {};
  if (init.exitCode === 0) {
    const wait = await start("wait", ["argoexec", "wait", ...LOG_FLAGS], files.mounts("wait"));
    const command = ["/var/run/argo/argoexec", "emissary", ...LOG_FLAGS, "--", ...(request.argv ?? ["true"])];
    const main = await start("main", command, files.mounts("main"));
    request.onRunning?.({ main, wait });
    [ends.main, ends.wait] = await Promise.all([endOf("main", main), endOf("wait", wait)]);
  }
  const spans = readSpans(files.at("trace/spans.jsonl"));
  const result = cluster.api.results.get(name);
  refuseSecrets(JSON.stringify([init, ends, result, spans]), cluster, request);
  return {
    init,
    ...ends,
    result,
    spans,
    shared: (path) => files.at(join("shared", path)),
    volume,
  };
}

/** Whatever happened to a pod: nothing that can be read afterwards may hold a secret. */
function refuseSecrets(everything: string, { api, s3 }: Cluster, { secrets = {} }: PodRequest): void {
  for (const secret of [api.token, s3.secretKey, ...Object.values(secrets)]) {
    if (secret !== "" && everything.includes(secret))
      throw new Error("a secret is in the pod's logs, messages or spans");
  }
}

function createPodFiles(cluster: Cluster, name: string, request: PodRequest) {
  const root = join(cluster.directory, name);
  const at = (path: string): string => join(root, path);
  const directory = (path: string): string => {
    mkdirSync(at(path), { recursive: true });
    chmodSync(at(path), 0o777); // as a kubelet makes an emptyDir
    return at(path);
  };
  const file = (path: string, content: string): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
  };
  const { api, s3, executor } = cluster;
  const secrets = request.secrets ?? { "cred/accesskey": s3.accessKey, "cred/secretkey": s3.secretKey };
  for (const [path, content] of Object.entries(secrets)) file(`secrets/${path}`, content);
  directory("secrets");
  file("account/token", api.token);
  file("account/ca.crt", api.ca);
  file("account/namespace", "argo");

  const volumes = request.volumes ?? [];
  const inputs = request.template.inputs?.artifacts ?? [];
  const common: SandboxMount[] = [
    { source: directory("shared"), target: "/var/run/argo" },
    { source: at("account"), target: SERVICE_ACCOUNT, readOnly: true },
  ];
  const executorMounts: SandboxMount[] = [
    ...common,
    { source: executor, target: "/argoexec", readOnly: true },
    { source: at("secrets"), target: "/argo/secret", readOnly: true },
    { source: directory("trace"), target: "/trace" },
  ];
  const own = (): SandboxMount[] => [
    ...volumes.map((target) => ({ source: directory(join("volumes", target)), target })),
    ...inputs
      .filter(({ path }) => !volumes.some((volume) => path.startsWith(`${volume}/`)))
      .map(({ name: artifact, path }) => {
        const source = at(join("inputs", artifact));
        return { source: existsSync(source) ? source : directory(join("inputs", artifact)), target: path };
      }),
  ];
  const staging: SandboxMount[] = request.template.script
    ? [{ source: directory("staging"), target: "/argo/staging" }]
    : [];
  const mirrored = (mounts: SandboxMount[]) =>
    mounts.map((mount) => ({ ...mount, target: `/mainctrfs${mount.target}` }));
  return {
    at,
    directory,
    mounts(container: "init" | "wait" | "main"): SandboxMount[] {
      switch (container) {
        case "init":
          return [
            ...executorMounts,
            ...staging,
            { source: directory("inputs"), target: "/argo/inputs/artifacts" },
            ...mirrored(volumes.map((target) => ({ source: directory(join("volumes", target)), target }))),
          ];
        case "wait":
          return [
            ...executorMounts,
            ...mirrored([...staging, ...own()]),
            { source: directory("tmp"), target: "/tmp" },
          ];
        case "main":
          return [...common, ...staging, ...own()];
      }
    },
  };
}

function environmentOf(
  cluster: Cluster,
  name: string,
  container: string,
  { env, template, templateText }: PodRequest,
): Record<string, string> {
  const all: Record<string, string | undefined> = {
    PATH: container === "main" ? SYSTEM_PATH : `/argoexec/bin:${SYSTEM_PATH}`,
    HOME: "/tmp",
    ...(container === "main"
      ? {}
      : {
          KUBERNETES_SERVICE_HOST: "127.0.0.1",
          KUBERNETES_SERVICE_PORT: String(cluster.api.port),
          ARGO_POD_NAME: name,
          ARGO_POD_UID: "c3beca1b-74a1-4b92-8e33-d7a0db3d4400",
          ARGO_WORKFLOW_UID: "1765cc30-0431-4a17-a34d-fd1178ec033f",
          SKEIN_TRACE_FILE: "/trace/spans.jsonl",
        }),
    ARGO_CONTAINER_NAME: container,
    ...(container === "init" ? { ARGO_TEMPLATE: templateText ?? JSON.stringify(template) } : {}),
    ARGO_NODE_ID: name,
    ARGO_INCLUDE_SCRIPT_OUTPUT: "false",
    ARGO_DEADLINE: "0001-01-01T00:00:00Z",
    ARGO_WORKFLOW_NAME: "wf",
    TRACESTATE: "workflow=argo/wf",
    TRACEPARENT: `00-${POD_TRACE.traceId}-${POD_TRACE.spanId}-01`,
    ARGO_PROGRESS_FILE: "/var/run/argo/progress",
    ARGO_PROGRESS_PATCH_TICK_DURATION: "1m0s",
    ARGO_PROGRESS_FILE_TICK_DURATION: "3s",
    ...env,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function readSpans(file: string): OtlpSpan[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as OtlpTraceRequest)
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
}
