import { ConfigError, type Environment, errorMessage } from "@skein/contract";

/** A setting that may be another one for some artifacts. */
export type PerArtifact<T> = (artifactName: string) => T;

/** `name=value`; artifact names are made of these characters (contract §5.3). */
const FOR_ONE = /^([-A-Za-z0-9_.{}]+)=(.*)$/s;

/**
 * Reads `value`, `name=value`, or several of them separated by `;` or line ends: the value of all artifacts, and those
 * of single ones, which win. A pod may have several git artifacts, and its environment is one.
 *
 * @throws ConfigError that quotes the variable and the value
 */
export function parsePerArtifact<T>(
  env: Environment,
  variable: string,
  { parse, otherwise }: { parse: (value: string) => T; otherwise: T },
): PerArtifact<T> {
  let ofAll = otherwise;
  const ofOne = new Map<string, T>();
  for (const part of (env[variable] ?? "").split(/[;\n]/)) {
    const text = part.trim();
    if (text === "") continue;
    const [, name, value] = FOR_ONE.exec(text) ?? [];
    const parsed = parsePart(variable, text, () => parse(value ?? text));
    if (name === undefined) ofAll = parsed;
    else ofOne.set(name, parsed);
  }
  return (artifactName) => ofOne.get(artifactName) ?? ofAll;
}

function parsePart<T>(variable: string, text: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ConfigError(`environment variable ${variable} ${errorMessage(error)}, got "${text}"`, {
      exitCode: 1,
      cause: error,
    });
  }
}
