import { ArtifactError } from "@skein/contract";
import { findMirror } from "./git-mirrors.ts";
import { type GitRepository, withoutUserInfo } from "./git-repository.ts";
import type { GitWork } from "./git-work.ts";
import type { GitRun } from "./run-git.ts";

/** A repository of this machine, and where it gets its commits from. */
export interface Fetching {
  work: GitWork;
  /** Where git runs. */
  cwd: string;
  from: GitRepository;
  /** Begins the message of a failure. */
  doing: string;
  /** Path of the submodule it is for. */
  submodule?: string;
}

/** Upstream's words. */
export function cloning({ url }: GitRepository): string {
  return `failed to clone ${JSON.stringify(withoutUserInfo(url))}`;
}

/** Runs `git fetch` against the repository's server, with what belongs to every fetch. */
export async function fetchFromOrigin(fetching: Fetching, args: readonly string[]): Promise<void> {
  const { work } = fetching;
  const filter = work.filter ? [`--filter=${work.filter}`] : [];
  await work.retry(() => runFetch(fetching, [...filter, ...args]));
}

/** Whether the server said that what was asked for is not there, or is not given away. */
export function isRefusedByServer(error: unknown): boolean {
  if (!(error instanceof ArtifactError)) return false;
  return error.code === "git.revision_not_found" || isWithoutShallow(error);
}

/** A server of plain files, or of another object format than we guessed: only a clone finds its way. */
export function isWithoutShallow(error: unknown): boolean {
  return (
    error instanceof ArtifactError &&
    /dumb http transport does not support|Server does not support (shallow|--depth)|mismatched algorithms/i.test(
      error.message,
    )
  );
}

/**
 * Fetches objects from this machine's own copy of the repository. They are copied: nothing of what is fetched refers to
 * the copy.
 *
 * @returns the copy's directory; nothing when there is none, or not with these objects
 */
export async function fetchFromMirror(
  fetching: Fetching,
  args: readonly string[],
  objects: readonly string[],
): Promise<string | undefined> {
  const { work, from, submodule } = fetching;
  const mirror = findMirror(from, work.mirrors);
  if (mirror === undefined) return undefined;
  try {
    await runFetch(fetching, [...args, mirror, ...objects], mirror);
    return mirror;
  } catch (error) {
    work.signal.throwIfAborted();
    work.reporter.fallback(whyNot(error), { submodule, mirror });
    return undefined;
  }
}

function whyNot(error: unknown): string {
  return error instanceof ArtifactError && error.code === "git.revision_not_found"
    ? "the mirror lacks the commit"
    : "the mirror cannot be read";
}

async function runFetch(
  { work, cwd, doing, submodule }: Fetching,
  args: readonly string[],
  mirror?: string,
): Promise<void> {
  const run: GitRun = {
    doing,
    cwd,
    work: "server",
    onTrace: ({ phases }) => work.reporter.phases(phases, { submodule, mirror }),
    // What an operator has put there may be read, whatever the repository's own transport is.
    ...(mirror !== undefined && { env: { GIT_ALLOW_PROTOCOL: "file" } }),
  };
  await work.git.run(["fetch", "--progress", "--no-recurse-submodules", ...args], run);
}

/** The commit a name means, as far as it has been fetched. */
export async function resolveCommit(
  { git }: Pick<GitWork, "git">,
  cwd: string,
  name: string,
): Promise<string | undefined> {
  try {
    // All that follows `:/` are the words it looks for.
    const revision = name.startsWith(":/") ? name : `${name}^{commit}`;
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", revision];
    return (await git.run(args, { doing: "cannot resolve a revision", cwd })).trim();
  } catch (error) {
    // `--quiet`: it says so by its exit code alone.
    if (
      error instanceof ArtifactError &&
      (error.code === "git.failed" || error.code === "git.revision_not_found")
    )
      return undefined;
    throw error;
  }
}
