import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PodFilesystem } from "../../support/pods/pod-request.ts";

/** A command line that ends at the first failure, so that a case does not go on after one. */
export const sh = (script: string): string[] => ["sh", "-ec", script];

/** An output parameter. */
export const parameter = (name: string, path: string, valueFrom: object = {}) => ({
  name,
  valueFrom: { path, ...valueFrom },
});

/** A template with one output parameter `p`, written by main to `/tmp/p`. */
export const SAYS = { outputs: { parameters: [parameter("p", "/tmp/p")] } };

/** The outputs of such a template. */
export const said = (value: string) => ({ parameters: [{ ...parameter("p", "/tmp/p"), value }] });

/** An input artifact whose content is in the template. */
export const raw = (name: string, path: string, data: string, more: object = {}) => ({
  name,
  path,
  raw: { data },
  ...more,
});

/** A container with a volume of its own at each path; the pod needs them as `volumes`, too. */
export const withVolumes = (...paths: string[]) => ({
  volumeMounts: paths.map((mountPath, index) => ({ name: `v${index}`, mountPath })),
});

/** Polls until the condition holds; a pod in which it never does fails by what is expected of its end. */
export async function until(condition: () => boolean, limitMs = 20_000): Promise<void> {
  for (let waited = 0; !condition() && waited < limitMs; waited += 10) await delay(10);
}

/** Waits for a file below `/var/run/argo`. */
export const appears = (pod: PodFilesystem, path: string): Promise<void> =>
  until(() => existsSync(pod.shared(path)));

/** A file below `/var/run/argo`. */
export const sharedText = (pod: PodFilesystem, path: string): string =>
  readFileSync(pod.shared(path), "utf8");

/** An input artifact that lies in the template's repository. */
export const input = (name: string, path: string, key: string, more: object = {}) => ({
  name,
  path,
  s3: { key },
  ...more,
});

/** An output artifact. */
export const output = (name: string, path: string, more: object = {}) => ({ name, path, ...more });

export type Look = string | { [name: string]: Look };

/** What is there: a file as its text, a link as an arrow, a directory as what is in it. */
export function look(path: string): Look {
  const facts = lstatSync(path);
  if (facts.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  if (facts.isFile()) return readFileSync(path, "latin1");
  return Object.fromEntries(readdirSync(path).map((name) => [name, look(join(path, name))]));
}
