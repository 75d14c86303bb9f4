import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SandboxMount, SandboxProcess } from "@skein/lab/testing";
import type { ApiRequest, StoredResult } from "../task-result-api.ts";
import type { Cluster } from "./cluster.ts";
import { playController } from "./controller.ts";
import type { ContainerEnd } from "./pod-request.ts";
import { refuseSecrets } from "./refuse-secrets.ts";

/** What is read of a `v1.Pod`. */
interface Pod {
  metadata: { name: string; uid: string; namespace: string };
  spec: { volumes: Volume[]; initContainers?: PodContainer[]; containers: PodContainer[] };
}

interface Volume {
  name: string;
  emptyDir?: object;
  secret?: { items: { key: string; path: string }[] };
  projected?: object;
  image?: object;
}

interface PodContainer {
  name: string;
  image: string;
  command: string[];
  args?: string[];
  env: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
  volumeMounts: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
}

export interface RecordedPodEnd {
  /** By container name. */
  ends: Readonly<Record<string, ContainerEnd>>;
  result: StoredResult | undefined;
  requests: ApiRequest[];
}

export interface RecordedPodOptions {
  /** Texts of the file that are other ones in this cluster, such as the port of an OTLP endpoint. */
  replace?: Readonly<Record<string, string>>;
  /** By path: files that the user's images bring. */
  imageFiles?: Readonly<Record<string, string>>;
}

const EXECUTOR_IMAGE = /\/argoexec:/;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a pod as a real controller made it, read back from an API server: argv, environment, volumes and mounts are the
 * file's. The address of the S3 server and its bucket are those of the cluster.
 */
export async function runRecordedPod(
  cluster: Cluster,
  file: string,
  options: RecordedPodOptions = {},
): Promise<RecordedPodEnd> {
  const replaced = {
    "127.0.0.1:16333": cluster.s3.endpoint,
    "my-bucket": cluster.s3.bucket,
    ...options.replace,
  };
  let text = readFileSync(file, "utf8");
  for (const [from, to] of Object.entries(replaced)) text = text.replaceAll(from, to);
  const pod = JSON.parse(text) as Pod;
  const root = join(cluster.directory, pod.metadata.name);
  const volumes = new Map(pod.spec.volumes.map((one) => [one.name, fillVolume(cluster, root, one)]));
  const imageFiles = Object.entries(options.imageFiles ?? {}).map(([path, content], index) => {
    const source = join(makeDirectory(join(root, "image")), String(index));
    writeFileSync(source, content, { mode: 0o755 });
    return { source, target: path, readOnly: true };
  });
  const start = (container: PodContainer): Promise<SandboxProcess> => {
    const isExecutor = EXECUTOR_IMAGE.test(container.image);
    return cluster.sandbox.start({
      argv: [...container.command, ...(container.args ?? [])],
      environment: environmentOf(cluster, pod, container, isExecutor),
      mounts: [
        ...(isExecutor ? [{ source: cluster.executor, target: "/argoexec", readOnly: true }] : imageFiles),
        ...container.volumeMounts.map((mount) => mountOf(volumes, mount)),
      ],
      terminationLog: join(root, `${container.name}.termination`),
      log: join(root, `${container.name}.log`),
      stateDirectory: join(root, "state", container.name),
      ...(cluster.securityContext ? { securityContext: cluster.securityContext } : {}),
    });
  };
  const ends: Record<string, ContainerEnd> = {};
  const end = async (name: string, process: SandboxProcess): Promise<void> => {
    ends[name] = {
      exitCode: await process.exitCode,
      log: readFileSync(join(root, `${name}.log`), "utf8"),
      terminationMessage: readFileSync(join(root, `${name}.termination`), "utf8"),
    };
  };
  for (const container of pod.spec.initContainers ?? []) await end(container.name, await start(container));
  const running: Record<string, SandboxProcess> = {};
  for (const container of pod.spec.containers) running[container.name] = await start(container);
  const shared = volumes.get("var-run-argo") ?? "";
  await Promise.all([
    playController(running, mainsOf(pod), (name) => join(shared, `skein/journal/${name}.jsonl`)),
    ...Object.entries(running).map(([name, process]) => end(name, process)),
  ]);
  const node = pod.spec.containers[0]?.env.find(({ name }) => name === "ARGO_NODE_ID")?.value ?? "";
  const result = cluster.api.results.get(node);
  const requests = cluster.api.requests.filter(({ name }) => name === node);
  refuseSecrets(root, [cluster.api.token, cluster.s3.secretKey], JSON.stringify([result, requests]));
  return { ends, result, requests };
}

/** The members of a containerSet, else `main`. */
function mainsOf({ spec }: Pod): string[] {
  const names = spec.containers.filter(({ image }) => !EXECUTOR_IMAGE.test(image)).map(({ name }) => name);
  return names.includes("main") ? ["main"] : names;
}

function fillVolume(cluster: Cluster, root: string, volume: Volume): string {
  if (volume.image) return cluster.executor;
  // Secrets are looked for everywhere but in their own two places.
  const folder = volume.secret ? "secrets" : volume.projected ? "account" : "emptydirs";
  const at = makeDirectory(join(root, folder, volume.name));
  const { api, s3 } = cluster;
  if (volume.projected) {
    for (const [name, content] of Object.entries({ token: api.token, "ca.crt": api.ca, namespace: "argo" }))
      writeFileSync(join(at, name), content);
  }
  for (const { key, path } of volume.secret?.items ?? [])
    writeFileSync(join(at, path), key === "accesskey" ? s3.accessKey : s3.secretKey);
  return at;
}

/** As a kubelet does, a subPath that is not there becomes a directory. */
function mountOf(
  volumes: ReadonlyMap<string, string>,
  { name, mountPath, subPath, readOnly }: PodContainer["volumeMounts"][number],
): SandboxMount {
  const volume = volumes.get(name);
  if (volume === undefined) throw new Error(`the pod has no volume ${name}`);
  const source = subPath === undefined ? volume : join(volume, subPath);
  if (!existsSync(source)) makeDirectory(source);
  return { source, target: mountPath, ...(readOnly ? { readOnly } : {}) };
}

function environmentOf(
  cluster: Cluster,
  { metadata }: Pod,
  { env }: PodContainer,
  isExecutor: boolean,
): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": metadata.name,
    "metadata.uid": metadata.uid,
  };
  return {
    PATH: isExecutor ? `/argoexec/bin:${SYSTEM_PATH}` : SYSTEM_PATH,
    HOME: "/",
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(cluster.api.port),
    // The last of two variables with one name counts.
    ...Object.fromEntries(
      env.map(({ name, value, valueFrom }) => [
        name,
        valueFrom ? (fields[valueFrom.fieldRef.fieldPath] ?? "") : (value ?? ""),
      ]),
    ),
  };
}

/** Writable for everybody, as an emptyDir is. */
function makeDirectory(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777);
  return path;
}
