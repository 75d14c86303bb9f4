import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes what the executor finds the task-result API with. JSON is YAML. */
export function writeKubeconfig(
  directory: string,
  access: { server: string; token: string; namespace: string },
): { kubeconfig: string; serviceAccount: string } {
  const { server, token, namespace } = access;
  const kubeconfig = join(directory, "kubeconfig");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster: { server } }],
    users: [{ name: "executor", user: { token } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "executor", namespace } }],
    "current-context": "lab",
  };
  writeFileSync(kubeconfig, `${JSON.stringify(config, undefined, 2)}\n`);
  const serviceAccount = join(directory, "service-account");
  mkdirSync(serviceAccount);
  writeFileSync(join(serviceAccount, "namespace"), namespace);
  writeFileSync(join(serviceAccount, "token"), token);
  return { kubeconfig, serviceAccount };
}
