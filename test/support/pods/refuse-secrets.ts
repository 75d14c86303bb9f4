import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where secrets are supposed to be. */
const OWN_PLACES = new Set(["secrets", "account", "config", "volumes"]);
/** It has what its author wrote: a password in a URL, too. */
const TEMPLATE = "shared/template";
/** A shorter one would be found everywhere. */
const MIN_SECRET = 8;
/** The front's own binary in the shared volume is larger, and nothing else a test pod leaves. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Whatever happened to a pod: nothing that can be read afterwards may hold a secret, as it is or in base64, as a header
 * would have it. Looks at every file the containers left: logs, termination messages, spans, journals, temporary files.
 *
 * @param more what is kept elsewhere, such as the task result
 * @throws Error that names the file, not the secret
 */
export function refuseSecrets(directory: string, secrets: readonly string[], more: string): void {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET)
    .flatMap((secret) => [secret, btoa(secret)]);
  const search = (where: string, text: string): void => {
    if (forms.some((form) => text.includes(form))) throw new Error(`a secret of the pod is in ${where}`);
  };
  search("its task result or requests", more);
  for (const path of filesBelow(Buffer.from(directory), "")) {
    const file = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);
    search(Buffer.from(path, "latin1").toString(), readFileSync(file, "utf8"));
  }
}

/**
 * Of readable size, and without what links lead to: a container's /dev has links to everywhere.
 *
 * @returns paths whose characters are bytes: a name need not be text
 */
function filesBelow(directory: Buffer, folder: string): string[] {
  const at = (path: string): Buffer => Buffer.from(join(directory.toString("latin1"), path), "latin1");
  return readdirSync(at(folder), { withFileTypes: true, encoding: "buffer" }).flatMap((entry) => {
    const path = join(folder, entry.name.toString("latin1"));
    if (OWN_PLACES.has(path) || path === TEMPLATE) return [];
    if (entry.isDirectory()) return filesBelow(directory, path);
    return entry.isFile() && lstatSync(at(path)).size <= MAX_FILE_BYTES ? [path] : [];
  });
}
