import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, type Environment } from "@skein/contract";
import { type GitRepository, repositoryPath } from "./git-repository.ts";

/** Where copies of repositories are: those whose address begins with `prefix`, or all of them by host and path. */
export interface GitMirror {
  prefix: string | undefined;
  directory: string;
}

/**
 * Reads `/mirrors`, below which `https://host/group/name` is `host/group/name` or `host/group/name.git`, and
 * `https://host/=/mirrors/host`, separated by `;` or white space; the first that has the repository serves.
 *
 * @throws ConfigError that quotes the variable and the value
 */
export function parseMirrors(env: Environment, variable: string): readonly GitMirror[] {
  const parts = (env[variable] ?? "").split(/[;\s]+/).filter((part) => part !== "");
  return parts.map((part) => {
    const [, prefix, directory] = /^(?:(.+?)=)?(\/.*)$/s.exec(part) ?? [];
    if (directory === undefined) {
      throw new ConfigError(
        `environment variable ${variable} must hold directories, or PREFIX=DIRECTORY, got "${part}"`,
        { exitCode: 1 },
      );
    }
    return { prefix, directory };
  });
}

/** The directory of the repository's copy; undefined when nobody has one. */
export function findMirror(
  repository: GitRepository,
  mirrors: readonly GitMirror[],
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  return mirrors
    .flatMap((mirror) => candidates(repository, mirror))
    .find((path) => exists(join(path, "HEAD")) && exists(join(path, "objects")));
}

function candidates(repository: GitRepository, { prefix, directory }: GitMirror): string[] {
  const path = pathBelow(repository, prefix);
  if (path === undefined) return [];
  const names = path
    .replace(/\/?\.git\/*$/, "")
    .split("/")
    .filter((name) => name !== "");
  // An address is anybody's word: it must not lead out of the directory, nor to the directory itself.
  if (names.length === 0 || names.some((name) => name === "." || name === "..")) return [];
  const last = names.pop() ?? "";
  if (/\p{Cc}/u.test(path)) return [];
  return [`${last}.git`, last, join(last, ".git")].map((name) => join(directory, ...names, name));
}

function pathBelow(repository: GitRepository, prefix: string | undefined): string | undefined {
  if (prefix !== undefined) {
    return repository.url.startsWith(prefix) ? repository.url.slice(prefix.length) : undefined;
  }
  const path = repositoryPath(repository);
  return path && repository.host ? `${repository.host.toLowerCase()}/${path}` : undefined;
}
