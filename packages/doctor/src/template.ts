import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Environment, OFFLOADED, type Paths, parseTemplate, type Template } from "@skein/contract";

/**
 * The template of the pod this runs in: the variable's, the ConfigMap's it was offloaded to, or the one init has left.
 *
 * @throws ContractError when there is one that is none
 */
export async function findTemplate(env: Environment, paths: Paths): Promise<Template | undefined> {
  const { ARGO_TEMPLATE: variable } = env;
  if (variable && variable !== OFFLOADED) {
    return parseTemplate(variable, "the environment variable ARGO_TEMPLATE");
  }
  const path = variable === OFFLOADED ? join(paths.offloadedConfig, "ARGO_TEMPLATE") : paths.template;
  const text = await readOptional(path);
  return text === undefined ? undefined : parseTemplate(text, `the file ${path}`);
}

export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined; // whoever asks knows what it means that there is none
  }
}
