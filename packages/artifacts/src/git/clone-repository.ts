import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError, type ErrorCode } from "@skein/contract";
import { emptyDirectory } from "./empty-directory.ts";
import { type Fetching, isWithoutShallow, resolveCommit } from "./fetch-commit.ts";
import type { FoundCommit } from "./fetch-revision.ts";
import { findMirror } from "./git-mirrors.ts";

/**
 * Clones a repository, without its files yet: all branches and tags, or the single branch; HEAD is on the default one.
 *
 * @param options.complete with all of the history whatever the depth, because only that can tell what is wanted
 * @returns where HEAD is; nothing when the repository is empty
 */
export async function cloneRepository(
  fetching: Fetching,
  { complete }: { complete: boolean },
): Promise<FoundCommit | undefined> {
  const { work, cwd, from } = fetching;
  const { at } = work;
  const isShallow = work.depth > 0 && !complete;
  const args = [
    ...(at.singleBranch ? ["--single-branch", `--branch=${at.branch}`] : []),
    ...(work.filter ? [`--filter=${work.filter}`] : []),
  ];
  const hasProtocol = await cloneByDepth(fetching, args, isShallow);
  const { git } = work;
  const doing = "cannot read the clone";
  // A shallow clone is of one branch; what is fetched into it later need not be.
  if (isShallow && !at.singleBranch) {
    const refspec = "+refs/heads/*:refs/remotes/origin/*";
    await git.run(["config", "remote.origin.fetch", refspec], { doing, cwd });
  }
  const commit = await resolveCommit(work, cwd, "HEAD");
  if (commit === undefined) {
    // git takes any page for the list of a server of plain files, and the page of a login for an empty one.
    if (!hasProtocol && from.origin !== undefined) throw notARepository(fetching);
    return undefined;
  }
  const name = await headBranch(fetching, doing);
  return { commit, name, kind: name === undefined ? undefined : "branch" };
}

/** @returns whether the server spoke git's protocol */
async function cloneByDepth(
  fetching: Fetching,
  args: readonly string[],
  isShallow: boolean,
): Promise<boolean> {
  const { work } = fetching;
  if (!isShallow) return await cloneByMirror(fetching, args);
  try {
    return await cloneByMirror(fetching, [...args, `--depth=${work.depth}`]);
  } catch (error) {
    if (!isWithoutShallow(error)) throw error;
    work.reporter.fallback("the server gives no shallow history", {});
    return await cloneByMirror(fetching, args);
  }
}

const ITS_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["git.failed", "git.revision_not_found"]);

/** What this machine's copy has need not come over the network. It is copied, so that the clone stands alone. */
async function cloneByMirror(fetching: Fetching, args: readonly string[]): Promise<boolean> {
  const { work, from, cwd } = fetching;
  const mirror = findMirror(from, work.mirrors);
  if (mirror === undefined) return await clone(fetching, args);
  try {
    const hasProtocol = await clone(fetching, [...args, `--reference=${mirror}`]);
    await standAlone(fetching);
    work.reporter.mirror(mirror);
    return hasProtocol;
  } catch (error) {
    work.signal.throwIfAborted();
    // What the network does is not the copy's fault, nor whom the server lets in; an object that is not there may be.
    const mayBeIts = error instanceof ArtifactError && !error.transient && ITS_FAULT.has(error.code);
    if (!mayBeIts) throw error;
    work.reporter.fallback("the mirror cannot be read", { mirror });
    await emptyDirectory(cwd);
    return await clone(fetching, args);
  }
}

/** Copies what the clone refers to, as it is: nobody looks for better deltas. */
async function standAlone({ work, cwd }: Fetching): Promise<void> {
  const args = ["repack", "-a", "-d", "-q", "--window=0"];
  await work.git.run(args, { doing: "failed to copy from the mirror", cwd, work: "files" });
  await rm(join(cwd, ".git/objects/info/alternates"));
}

async function clone({ work, cwd, from, doing }: Fetching, args: readonly string[]): Promise<boolean> {
  const fixed = ["--progress", "--no-checkout", "--no-local", "--template=", "--origin=origin"];
  let spoke = false;
  await work.git.run(["clone", ...fixed, ...args, "--", from.url, cwd], {
    doing,
    cwd,
    work: "server",
    onTrace({ phases, hasProtocol }) {
      spoke = hasProtocol;
      work.reporter.phases(phases, {});
    },
  });
  return spoke;
}

function notARepository({ doing }: Fetching): ArtifactError {
  return new ArtifactError(`${doing}: what answers there is no repository`, {
    code: "git.repository_not_found",
    remedy: "check the address; it may be a page that asks people to log in",
  });
}

async function headBranch({ work, cwd }: Fetching, doing: string): Promise<string | undefined> {
  const { git } = work;
  const name = await git.run(["rev-parse", "--symbolic-full-name", "HEAD"], { doing, cwd });
  return /^refs\/heads\/(.+)\n$/.exec(name)?.[1];
}
