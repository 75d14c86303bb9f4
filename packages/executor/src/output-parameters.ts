import { readFile, stat } from "node:fs/promises";
import { ArtifactError, type Logger, type Parameter, type Paths, type Template } from "@skein/contract";
import { fileError } from "./file-error.ts";
import { parameterPlace } from "./output-place.ts";
import { realPathWithin } from "./real-path-within.ts";

/**
 * An API server takes request bodies of 3 MiB (`MaxRequestBodyBytes` in k8s.io/apiserver), etcd by default 1.5 MiB;
 * a longer value could never be reported, so it is not read.
 */
export const MAX_PARAMETER_BYTES = 3 * 1024 * 1024;

export interface ParametersOutcome {
  /** Every output parameter of the template, with its value where there is one. */
  parameters: Parameter[];
  /** What stopped it at the first parameter that could not be read. */
  error?: Error;
}

/**
 * Reads the output parameters in order (contract §10.1). A file that cannot be read falls back to the default;
 * without one it ends the reading, and the parameters after it have no value.
 */
export async function readOutputParameters(
  template: Template,
  options: { paths: Paths; initless: boolean; log: Logger },
): Promise<ParametersOutcome> {
  const declared = template.outputs?.parameters ?? [];
  const parameters = [...declared];
  for (const [index, parameter] of declared.entries()) {
    const path = parameter.valueFrom?.path;
    if (!path) continue;
    try {
      const text = await readValue(template, parameter, path, options);
      parameters[index] = { ...parameter, value: text.endsWith("\n") ? text.slice(0, -1) : text };
      options.log.info("Successfully saved output parameter", { name: parameter.name });
    } catch (error) {
      return { parameters, error: error as Error };
    }
  }
  return { parameters };
}

async function readValue(
  template: Template,
  parameter: Parameter,
  path: string,
  options: { paths: Paths; initless: boolean; log: Logger },
): Promise<string> {
  const place = parameterPlace(template, path, options);
  try {
    return await readBounded(await realPathWithin(place.path, place.root), parameter.name, path);
  } catch (error) {
    const otherwise = parameter.valueFrom?.default;
    if (otherwise === undefined) throw fileError(error, place.path);
    options.log.info("Using the default of an output parameter that could not be read", {
      name: parameter.name,
      error: fileError(error, place.path),
    });
    return otherwise;
  }
}

async function readBounded(real: string, name: string, path: string): Promise<string> {
  const found = await stat(real);
  if (!found.isFile() && !found.isDirectory()) {
    // Reading a pipe that nobody writes to would take for ever.
    throw new ArtifactError(
      `output parameter '${name}': ${path} is a pipe, a socket or a device, and not a file`,
      { code: "disk.failed" },
    );
  }
  const { size } = found;
  if (size > MAX_PARAMETER_BYTES) {
    throw new ArtifactError(
      `output parameter '${name}': ${path} holds ${size} bytes, a task result takes ${MAX_PARAMETER_BYTES} at most`,
      { code: "kubernetes.too_large", remedy: "make it an output artifact" },
    );
  }
  return readFile(real, "utf8");
}
