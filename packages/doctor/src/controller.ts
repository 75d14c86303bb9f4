import { errorMessage } from "@skein/contract";
import { KubernetesError, type RestClient } from "@skein/kubernetes";
import { parse } from "yaml";
import type { DoctorFlags } from "./flags.ts";

/** The controller's settings as far as executors are concerned; or why they are not known. */
export type ControllerSettings =
  | {
      status: "read";
      from: string;
      settings: ControllerConfig;
      image: string | undefined;
      flagImage: string | undefined;
    }
  | { status: "absent" | "forbidden" | "unknown" | "invalid"; from: string; reason: string };

/** https://github.com/argoproj/argo-workflows/blob/main/docs/workflow-controller-configmap.yaml, the fields looked at. */
export interface ControllerConfig {
  executor?: {
    image?: string;
    env?: { name: string; value?: string; valueFrom?: unknown }[];
    resources?: { limits?: { memory?: string | number } };
    securityContext?: Record<string, unknown>;
  };
  artifactRepository?: Record<string, unknown>;
  /** Other keys stood beside `config`, which a controller does not bear. */
  besideConfig?: string[];
}

interface ConfigMap {
  data?: Record<string, string>;
}

interface Deployment {
  spec?: { template?: { spec?: { containers?: { name: string; image?: string; args?: string[] }[] } } };
}

/** Reads the controller's ConfigMap, and from its Deployment the version, where that is allowed. Never throws. */
export async function readController({
  flags,
  client,
  inPod,
  signal,
}: {
  flags: Pick<DoctorFlags, "controllerNamespace" | "controllerConfigMap">;
  client: RestClient | undefined;
  inPod: boolean;
  signal: AbortSignal;
}): Promise<ControllerSettings> {
  const { controllerNamespace, controllerConfigMap } = flags;
  const from = `ConfigMap ${controllerNamespace}/${controllerConfigMap}`;
  if (!client) return { status: "unknown", from, reason: "there is no API server to ask" };
  const namespace = encodeURIComponent(controllerNamespace);
  const path = `/api/v1/namespaces/${namespace}/configmaps/${encodeURIComponent(controllerConfigMap)}`;
  try {
    const { data } = (await client.send({ method: "GET", path, signal })) as ConfigMap;
    const deployment = await readDeployment(client, namespace, signal);
    try {
      return { status: "read", from, settings: parseSettings(data ?? {}), ...deployment };
    } catch (error) {
      return { status: "invalid", from, reason: errorMessage(error).split("\n")[0] ?? "" };
    }
  } catch (error) {
    const status = error instanceof KubernetesError ? error.status : 0;
    if (status === 404) return { status: "absent", from, reason: "not there" };
    if (status === 403) {
      const reason = inPod ? "executors may not read it, and need not" : errorMessage(error);
      return { status: "forbidden", from, reason };
    }
    return { status: "unknown", from, reason: errorMessage(error) };
  }
}

/** @throws the YAML parser's error */
export function parseSettings(data: Readonly<Record<string, string>>): ControllerConfig {
  const { config, ...others } = data;
  const settings =
    config === undefined
      ? Object.fromEntries(Object.entries(others).map(([key, text]) => [key, parse(text) as unknown]))
      : ((parse(config) as Record<string, unknown> | null) ?? {});
  const beside = config === undefined ? [] : Object.keys(others);
  return { ...(settings as ControllerConfig), ...(beside.length > 0 && { besideConfig: beside }) };
}

/** Its image, and the flag that wins over the ConfigMap; nothing where deployments cannot be read. */
async function readDeployment(
  client: RestClient,
  namespace: string,
  signal: AbortSignal,
): Promise<{ image: string | undefined; flagImage: string | undefined }> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/workflow-controller`;
  try {
    const { spec } = (await client.send({ method: "GET", path, signal })) as Deployment;
    const containers = spec?.template?.spec?.containers ?? [];
    const controller = containers.find(({ name }) => name === "workflow-controller") ?? containers[0];
    return { image: controller?.image, flagImage: executorImageFlag(controller?.args ?? []) };
  } catch {
    // Only its version and one flag are lost; the row says that they are not known.
    return { image: undefined, flagImage: undefined };
  }
}

function executorImageFlag(args: readonly string[]): string | undefined {
  const at = args.indexOf("--executor-image");
  if (at >= 0) return args[at + 1];
  return args.find((arg) => arg.startsWith("--executor-image="))?.slice("--executor-image=".length);
}
