import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ContractError,
  type ExecutorConfig,
  errorMessage,
  OFFLOADED,
  type Paths,
  parseTemplate,
  type Template,
} from "@skein/contract";
import { fileError } from "./file-error.ts";

/**
 * Finds and reads the pod's template: the variable, the ConfigMap it was offloaded to, or, where the variable is
 * absent, the file `init` left (contract §5.7).
 *
 * @throws ContractError that names where it looked
 */
export async function readTemplate(
  config: Pick<ExecutorConfig, "template">,
  paths: Pick<Paths, "template" | "offloadedConfig">,
): Promise<Template> {
  const { template } = config;
  if (template !== undefined && template !== OFFLOADED) {
    return parseTemplate(template, "the environment variable ARGO_TEMPLATE");
  }
  const path = template === OFFLOADED ? join(paths.offloadedConfig, "ARGO_TEMPLATE") : paths.template;
  return parseTemplate(await readText(path, template), `the file ${path}`);
}

async function readText(path: string, variable: string | undefined): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const why =
      variable === undefined
        ? "the environment variable ARGO_TEMPLATE is absent"
        : `the environment variable ARGO_TEMPLATE says "${variable}"`;
    throw new ContractError(`cannot read the template: ${errorMessage(fileError(error, path))} (${why})`);
  }
}
