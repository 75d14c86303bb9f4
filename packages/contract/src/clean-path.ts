import { ArtifactError } from "./errors.ts";
import type { Artifact } from "./template.ts";

/**
 * Go's `path.Clean`: the shortest equivalent path by lexical processing alone.
 * The empty path becomes `.`; a rooted path never climbs above `/`.
 */
export function cleanPath(path: string): string {
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!rooted) kept.push("..");
  }
  const joined = kept.join("/");
  if (rooted) return `/${joined}`;
  return joined === "" ? "." : joined;
}

/** Go's `path.Join`: empty elements are ignored, the result is cleaned; nothing to join gives the empty string. */
export function joinPath(...elements: string[]): string {
  const joined = elements.filter((element) => element !== "").join("/");
  return joined === "" ? "" : cleanPath(joined);
}

/** Whether `path` is `ancestor` or lies below it, compared by components. Both must be clean. */
export function isWithin(path: string, ancestor: string): boolean {
  if (ancestor === "/") return path.startsWith("/");
  return path === ancestor || path.startsWith(`${ancestor}/`);
}

/**
 * The artifact's path, cleaned. A `..` is accepted only where the cleaned path stays strictly below
 * the text before the first `/..` (contract §5.3).
 *
 * Unlike upstream, paths such as `/x//ab` and `./ab`, which contain no `..` at all, are accepted (§22.43).
 *
 * @throws ArtifactError `artifact.invalid_path`
 */
export function cleanArtifactPath(artifact: Artifact): string {
  const { name, path } = artifact;
  if (path === undefined || path === "") {
    throw new ArtifactError(`Artifact '${name}' did not specify a path`, { code: "artifact.invalid_path" });
  }
  const cleaned = cleanPath(path);
  if (climbs(path) && !staysBelowItsStart(path, cleaned)) {
    throw new ArtifactError(
      `Artifact '${name}' attempted to use a path containing '..'. Directory traversal is not permitted`,
      { code: "artifact.invalid_path" },
    );
  }
  return cleaned;
}

function climbs(path: string): boolean {
  return path.split("/").includes("..");
}

function staysBelowItsStart(path: string, cleaned: string): boolean {
  const before = path.slice(0, Math.max(path.indexOf("/.."), 0));
  return before !== "" && cleaned.startsWith(`${before}/`);
}
