import { ArtifactError } from "@skein/contract";
import type { GitWork } from "./git-work.ts";

/** A submodule that `.gitmodules` describes and the commit has. */
export interface Submodule {
  name: string;
  path: string;
  /** As it is described: relative to its parent's, or whole. */
  url: string;
  /** The commit it is to be at. */
  commit: string;
  /** `shallow = true`: its authors say that its last commit is enough. */
  isShallow: boolean;
}

/**
 * The submodules of the commit that is checked out in a directory, without those that are outside of the directories
 * that were chosen. What `.gitmodules` says is a stranger's word: see {@link refuseHostile}.
 *
 * @throws ArtifactError `git.refused`
 */
export async function listSubmodules(work: GitWork, cwd: string): Promise<Submodule[]> {
  const described = await readGitmodules(work, cwd);
  if (described.length === 0) return [];
  const commits = await readGitlinks(work, cwd);
  const found = described.flatMap(({ name, path, url, shallow, update }) => {
    const commit = path === undefined ? undefined : commits.get(path);
    if (path === undefined || url === undefined || commit === undefined) return [];
    // We would not run it, but whoever gets the artifact may have a git that does.
    if (update?.startsWith("!")) throw refused(`the submodule ${quoted(name)} wants a command to be run`);
    return [{ name, path, url, commit, isShallow: shallow === "true" }];
  });
  const paths = new Set(found.map(({ path }) => path));
  for (const path of commits.keys()) {
    if (!paths.has(path))
      work.reporter.warn(`git: .gitmodules does not say where the submodule ${path} is from`);
  }
  refuseHostile(found);
  return found;
}

interface Described {
  name: string;
  path?: string;
  url?: string;
  shallow?: string;
  update?: string;
}

/** From the commit and not from the disk, where a link could stand. */
async function readGitmodules({ git }: GitWork, cwd: string): Promise<Described[]> {
  const doing = "failed to read .gitmodules";
  const entry = await git.run(["ls-tree", "-z", "HEAD", "--", ".gitmodules"], { doing, cwd });
  if (entry === "") return [];
  if (!/^100(644|755) blob /.test(entry)) throw refused(".gitmodules is not a file");
  const args = ["config", "--blob=HEAD:.gitmodules", "--null", "--get-regexp", "^submodule\\."];
  const text = await git.run(args, { doing, cwd }).catch(emptyWhenNothingMatches);
  const byName = new Map<string, Described>();
  for (const pair of text.split("\0")) {
    const [, name, key, value] = /^submodule\.(.*)\.([^.\n]+)\n(.*)$/s.exec(pair) ?? [];
    if (name === undefined || key === undefined || value === undefined) continue;
    const described = byName.get(name) ?? { name };
    if (key === "path" || key === "url" || key === "shallow" || key === "update") described[key] = value;
    byName.set(name, described);
  }
  return [...byName.values()];
}

function emptyWhenNothingMatches(error: unknown): string {
  if (error instanceof ArtifactError && /exited with 1$/.test(error.message)) return "";
  throw error;
}

/** Path → commit, of the entries of the index that are commits and not left out (`S`: skip-worktree). */
async function readGitlinks({ git }: GitWork, cwd: string): Promise<Map<string, string>> {
  const commits = new Map<string, string>();
  let rest = "";
  await git.run(["ls-files", "--stage", "-t", "-z"], {
    doing: "cannot list the submodules of the commit",
    cwd,
    onStdout(chunk) {
      const records = (rest + chunk.toString("latin1")).split("\0");
      rest = records.pop() ?? "";
      for (const record of records) {
        const [, commit, path] = /^H 160000 ([0-9a-f]+) 0\t(.+)$/s.exec(record) ?? [];
        if (commit && path) commits.set(Buffer.from(path, "latin1").toString(), commit);
      }
    },
  });
  return commits;
}

/**
 * Refuses names and paths by which a repository could reach outside of its directory, into its own `.git`, or into git's
 * command line: CVE-2018-11235, CVE-2018-17456, CVE-2019-1387, CVE-2019-19604, CVE-2025-48384.
 */
function refuseHostile(submodules: readonly Submodule[]): void {
  for (const { name, path } of submodules) {
    refuseName(name);
    refusePath(path);
  }
  const names = submodules.map(({ name }) => name);
  for (const name of names) {
    const above = names.find((other) => other !== name && name.startsWith(`${other}/`));
    if (above !== undefined) {
      throw refused(`the submodule ${quoted(name)} would be kept inside of ${quoted(above)}`);
    }
  }
}

function refuseName(name: string): void {
  const parts = name.split(/[/\\]/);
  if (name === "" || parts.some((part) => part === ".." || part === "" || part === ".") || isStrange(name)) {
    throw refused(`a submodule cannot be called ${quoted(name)}`);
  }
}

function refusePath(path: string): void {
  const parts = path.split("/");
  const isOutside = parts.some((part) => part === ".." || part === "" || part === ".");
  if (isOutside || parts.some((part) => part.toLowerCase() === ".git") || isStrange(path)) {
    throw refused(`a submodule cannot be at ${quoted(path)}`);
  }
}

/** An option to git, or with characters that git's own files cannot hold. */
function isStrange(text: string): boolean {
  return text.startsWith("-") || /\p{Cc}/u.test(text);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function refused(why: string): ArtifactError {
  return new ArtifactError(`git: ${why}`, {
    code: "git.refused",
    remedy: "the repository looks like an attack; disableSubmodules loads it without its submodules",
  });
}
