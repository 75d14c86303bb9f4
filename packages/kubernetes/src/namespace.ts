import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "@skein/contract";

/** The namespace of a pod: `POD_NAMESPACE`, the service account's file, `default` (contract §6.2c). */
export async function inClusterNamespace(env: Environment, serviceAccount: string): Promise<string> {
  if (env.POD_NAMESPACE) return env.POD_NAMESPACE;
  try {
    const text = (await readFile(join(serviceAccount, "namespace"), "utf8")).trim();
    return text === "" ? "default" : text;
  } catch {
    // A pod without a service account token has no such file; client-go then says `default`, too.
    return "default";
  }
}
