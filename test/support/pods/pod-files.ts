import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SandboxMount } from "@skein/lab/testing";
import type { Cluster } from "./cluster.ts";
import type { PodFilesystem, PodRequest } from "./pod-request.ts";

export type Role = "init" | "auxiliary" | "main" | "member" | "sidecar";

/** The volumes of one pod as directories of the machine, and which container sees which of them where. */
export interface PodFiles extends PodFilesystem {
  at(path: string): string;
  mounts(role: Role): SandboxMount[];
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Makes the volumes of contract §1.3 and fills those that a kubelet fills. */
export function createPodFiles(cluster: Cluster, name: string, request: PodRequest): PodFiles {
  const root = join(cluster.directory, name);
  const at = (path: string): string => join(root, path);
  const directory = (path: string): string => {
    mkdirSync(at(path), { recursive: true });
    chmodSync(at(path), 0o777); // as a kubelet makes an emptyDir
    return at(path);
  };
  const files = (folder: string, contents: Readonly<Record<string, string>>): string => {
    directory(folder);
    for (const [path, content] of Object.entries(contents)) {
      const file = at(join(folder, path));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    return at(folder);
  };
  const { api, s3 } = cluster;
  const credentials = { "cred/accesskey": s3.accessKey, "cred/secretkey": s3.secretKey };
  const sources = {
    shared: directory("shared"),
    inputs: directory("inputs"),
    trace: directory("trace"),
    secrets: files("secrets", request.secrets ?? credentials),
    account: files("account", { token: api.token, "ca.crt": api.ca, namespace: "argo" }),
    config: request.config && files("config", request.config),
  };
  const shared: SandboxMount[] = [
    { source: sources.shared, target: "/var/run/argo" },
    { source: sources.account, target: SERVICE_ACCOUNT, readOnly: true },
    ...(sources.config ? [{ source: sources.config, target: "/argo/config", readOnly: true }] : []),
  ];
  const executor: SandboxMount[] = [
    ...shared,
    { source: cluster.executor, target: "/argoexec", readOnly: true },
    { source: sources.secrets, target: "/argo/secret", readOnly: true },
    { source: sources.trace, target: "/trace" },
  ];
  const volumes = (request.volumes ?? []).map((target) => ({
    source: directory(join("volumes", target)),
    target,
  }));
  const staging: SandboxMount[] = request.template.script
    ? [{ source: directory("staging"), target: "/argo/staging" }]
    : [];
  const allInputs: SandboxMount = { source: sources.inputs, target: "/argo/inputs/artifacts" };
  const initless = request.layout === "initless";
  const bin: SandboxMount[] = initless
    ? [{ source: cluster.executor, target: "/argo-bin", readOnly: true }]
    : [];
  const inputsOfMain = (): SandboxMount[] => (initless ? [allInputs] : ownInputs(request, at, directory));
  const lockedTemporary: SandboxMount[] =
    (request.securityContext ?? cluster.securityContext)?.readOnlyRootFilesystem &&
    !volumes.some(({ target }) => target === "/tmp")
      ? [{ source: directory("tmp-of-main"), target: "/tmp" }]
      : [];
  return {
    name,
    at,
    shared: (path) => at(join("shared", path)),
    volume: (mountPath) => directory(join("volumes", mountPath)),
    input: (artifact) => at(join("inputs", artifact)),
    mounts(role) {
      switch (role) {
        case "init":
          return [...executor, ...staging, allInputs, ...mirrored(volumes)];
        case "auxiliary": {
          const temporary = { source: directory("tmp"), target: "/tmp" };
          const loading = initless ? [...staging, allInputs] : [];
          const ofMain =
            request.members && !("main" in request.members) ? [] : [...staging, ...inputsOfMain()];
          return [...executor, temporary, ...loading, ...mirrored([...volumes, ...ofMain])];
        }
        case "main":
          return [...shared, ...bin, ...staging, ...lockedTemporary, ...volumes, ...inputsOfMain()];
        case "member":
        case "sidecar":
          return [...shared, ...bin, ...lockedTemporary, ...volumes];
      }
    },
  };
}

/** Those of our drivers: an input without any was not supplied, and when that is optional, nothing is mounted. */
const LOCATIONS = ["s3", "git", "http", "raw"];

/** In the init layout every loaded artifact is mounted where the template wants it, unless a volume is there. */
function ownInputs(
  { template, volumes = [] }: PodRequest,
  at: (path: string) => string,
  directory: (path: string) => string,
): SandboxMount[] {
  return (template.inputs?.artifacts ?? [])
    .filter(({ path }) => !volumes.some((volume) => path === volume || path.startsWith(`${volume}/`)))
    .filter((artifact) => !artifact.optional || LOCATIONS.some((location) => location in artifact))
    .map(({ name, path }) => {
      const source = at(join("inputs", name));
      return { source: existsSync(source) ? source : directory(join("inputs", name)), target: path };
    });
}

function mirrored(mounts: readonly SandboxMount[]): SandboxMount[] {
  return mounts.map((mount) => ({ ...mount, target: `/mainctrfs${mount.target}`, readOnly: false }));
}
