import type { GitLocation } from "@skein/contract";
import type { Examination } from "./examination.ts";

/** Repositories that are asked: those of --git, and those that the pod's template loads. */
export function gitRepositories({ flags, template }: Pick<Examination, "flags" | "template">): GitLocation[] {
  const inputs = (template?.inputs?.artifacts ?? []).flatMap(({ git }) => git ?? []);
  return [...flags.git.map((repo) => ({ repo })), ...inputs];
}

/** The host of `https://host/…`, `ssh://user@host:port/…` or `user@host:path`; undefined for a local one. */
export function parseGitHost(repo: string): string | undefined {
  if (repo.includes("://")) return URL.canParse(repo) ? new URL(repo).hostname || undefined : undefined;
  return /^(?:[^@/:]+@)?([^@/:]+):/.exec(repo)?.[1];
}
