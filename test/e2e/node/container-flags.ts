import type { Container, Pod } from "../controller/pod.ts";

/** What the kubelet adds to every container: where the API server is. */
export interface NodeFacts {
  apiPort: number;
}

/** Flags of `podman run` for a container of a pod: environment, user, rights, command. Without mounts. */
export function containerFlags(pod: Pod, container: Container, facts: NodeFacts): string[] {
  const environment = resolveEnvironment(pod, container, facts);
  const { command, args = [] } = container;
  const expand = (text: string): string => expandReferences(text, environment);
  return [
    "--pull=never",
    "--network=host",
    "--log-driver=none",
    `--hostname=${pod.metadata.name.slice(0, 63)}`,
    ...securityFlags(pod, container),
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
    ...(container.workingDir ? [`--workdir=${container.workingDir}`] : []),
    ...(container.resources?.limits?.memory ? [`--memory=${bytes(container.resources.limits.memory)}`] : []),
    ...(command ? [`--entrypoint=${JSON.stringify(command.map(expand))}`] : []),
    container.image,
    ...args.map(expand),
  ];
}

function resolveEnvironment(pod: Pod, container: Container, { apiPort }: NodeFacts): Record<string, string> {
  const { name, namespace, uid = "" } = pod.metadata;
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": name,
    "metadata.namespace": namespace,
    "metadata.uid": uid,
    "spec.nodeName": pod.spec.nodeName ?? "",
  };
  const resolved: Record<string, string> = {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(apiPort),
    KUBERNETES_SERVICE_PORT_HTTPS: String(apiPort),
  };
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    const field = valueFrom?.fieldRef.fieldPath;
    resolved[name] =
      field === undefined ? expandReferences(value, resolved) : (fields[field] ?? missingField(field));
  }
  return resolved;
}

function missingField(field: string): never {
  throw new Error(`our kubelet does not know the field ${field}`);
}

/** `$(NAME)` of a known variable becomes its value; of an unknown one it stays; `$$` is one `$`. */
export function expandReferences(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, inner: string, name: string | undefined) => {
    if (inner === "$") return "$";
    return variables[name ?? ""] ?? whole;
  });
}

/**
 * What a kubelet refuses before it starts a container that has to run as somebody else than root.
 *
 * @param imageUser what the image says; a name does not do, because nobody knows whose it is
 */
export function refuseRoot(pod: Pod, { name, image, securityContext }: Container, imageUser: string): void {
  const { runAsNonRoot, runAsUser } = { ...pod.spec.securityContext, ...securityContext };
  if (!runAsNonRoot) return;
  const user = runAsUser ?? Number(imageUser.split(":")[0] || "0");
  if (!(user > 0))
    throw new Error(`container ${name} must not run as root, and ${image} would: user "${imageUser}"`);
}

function securityFlags(pod: Pod, { securityContext: own }: Container): string[] {
  const context = { ...pod.spec.securityContext, ...own };
  const { runAsUser, runAsGroup, capabilities, seccompProfile } = context;
  const fsGroup = pod.spec.securityContext?.fsGroup;
  return [
    ...(runAsUser === undefined ? [] : [`--user=${runAsUser}:${runAsGroup ?? 0}`]),
    ...(fsGroup === undefined ? [] : [`--group-add=${fsGroup}`]),
    ...(own?.readOnlyRootFilesystem ? ["--read-only", "--read-only-tmpfs=false"] : []),
    ...(own?.allowPrivilegeEscalation === false ? ["--security-opt=no-new-privileges"] : []),
    ...(capabilities?.drop ?? []).map((capability) => `--cap-drop=${capability}`),
    ...(capabilities?.add ?? []).map((capability) => `--cap-add=${capability}`),
    // Without a profile a container is unconfined, by Kubernetes' default.
    ...(seccompProfile?.type === "RuntimeDefault" ? [] : ["--security-opt=seccomp=unconfined"]),
  ];
}

const UNITS: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  k: 1e3,
  M: 1e6,
  G: 1e9,
};

function bytes(quantity: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([A-Za-z]*)$/.exec(quantity) ?? [];
  return Number(digits) * (unit === "" ? 1 : (UNITS[unit] ?? Number.NaN));
}
