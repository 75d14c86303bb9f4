import { ArtifactError } from "@skein/contract";
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
  const { work, cwd } = fetching;
  const { at } = work;
  const isShallow = work.depth > 0 && !complete;
  const args = [
    ...(at.singleBranch ? ["--single-branch", `--branch=${at.branch}`] : []),
    ...(work.filter ? [`--filter=${work.filter}`] : []),
  ];
  await cloneByDepth(fetching, args, isShallow);
  const { git } = work;
  const doing = "cannot read the clone";
  // A shallow clone is of one branch; what is fetched into it later need not be.
  if (isShallow && !at.singleBranch) {
    const refspec = "+refs/heads/*:refs/remotes/origin/*";
    await git.run(["config", "remote.origin.fetch", refspec], { doing, cwd });
  }
  const commit = await resolveCommit(work, cwd, "HEAD");
  if (commit === undefined) return undefined;
  const name = await headBranch(fetching, doing);
  return { commit, name, kind: name === undefined ? undefined : "branch" };
}

async function cloneByDepth(fetching: Fetching, args: readonly string[], isShallow: boolean): Promise<void> {
  const { work } = fetching;
  if (!isShallow) return await cloneByMirror(fetching, args);
  try {
    await cloneByMirror(fetching, [...args, `--depth=${work.depth}`]);
  } catch (error) {
    if (!isWithoutShallow(error)) throw error;
    work.reporter.fallback("the server gives no shallow history", {});
    await cloneByMirror(fetching, args);
  }
}

/** What this machine's copy has need not come over the network. It is copied, so that the clone stands alone. */
async function cloneByMirror(fetching: Fetching, args: readonly string[]): Promise<void> {
  const { work, from } = fetching;
  const mirror = findMirror(from, work.mirrors);
  if (mirror === undefined) return await clone(fetching, args);
  try {
    await clone(fetching, [...args, `--reference=${mirror}`, "--dissociate"]);
    work.reporter.mirror(mirror);
  } catch (error) {
    work.signal.throwIfAborted();
    // Neither what the server refuses nor what the network does is the copy's fault.
    if (!(error instanceof ArtifactError) || error.code !== "git.failed" || error.transient) throw error;
    work.reporter.fallback("the mirror cannot be read", { mirror });
    await clone(fetching, args);
  }
}

async function clone({ work, cwd, from, doing }: Fetching, args: readonly string[]): Promise<void> {
  const fixed = ["--progress", "--no-checkout", "--no-local", "--template=", "--origin=origin"];
  await work.git.run(["clone", ...fixed, ...args, "--", from.url, cwd], {
    doing,
    cwd,
    work: "server",
    onPhase: (phase) => work.reporter.phase(phase, {}),
  });
}

async function headBranch({ work, cwd }: Fetching, doing: string): Promise<string | undefined> {
  const { git } = work;
  const name = await git.run(["rev-parse", "--symbolic-full-name", "HEAD"], { doing, cwd });
  return /^refs\/heads\/(.+)\n$/.exec(name)?.[1];
}
