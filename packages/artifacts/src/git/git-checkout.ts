import { existsSync } from "node:fs";
import { join } from "node:path";
import { ArtifactError } from "@skein/contract";
import { cloneRepository } from "./clone-repository.ts";
import { emptyDirectory } from "./empty-directory.ts";
import { cloning, type Fetching, fetchFromOrigin } from "./fetch-commit.ts";
import { type FoundCommit, fetchWanted, findInHistory } from "./fetch-revision.ts";
import { refuseOption, refuseRefspec, withoutUserInfo } from "./git-repository.ts";
import { parseRevision } from "./git-revision.ts";
import type { GitWork } from "./git-work.ts";
import { guardLfs, warnOfPointers } from "./lfs.ts";
import { updateSubmodules } from "./submodules.ts";

/** What was checked out; neither is known of an empty repository. */
export interface CheckedOut {
  commit: string | undefined;
  /** The branch or tag. */
  name: string | undefined;
  kind: "branch" | "tag" | undefined;
  submodules: number;
}

/**
 * Fetches a repository into an empty directory and checks a revision out (contract §12.2). Without a revision it is a
 * clone on its default branch; with one, HEAD is detached at it, and every branch there is has a local one. Where a depth
 * is given, only the wanted commit and so many before it are fetched, for the revision too (upstream then fetches so
 * many of every branch).
 *
 * @throws ArtifactError
 */
export async function checkOut(work: GitWork, directory: string): Promise<CheckedOut> {
  refuseWhatIsNotOne(work);
  const { at, repository } = work;
  const fetching: Fetching = { work, cwd: directory, from: repository, doing: cloning(repository) };
  const found = await fetchCommit(fetching, directory);
  if (found === undefined) return { commit: undefined, name: undefined, kind: undefined, submodules: 0 };
  await chooseDirectories(work, directory);
  await guardLfs(work, directory, found.commit);
  await writeFiles(work, directory, found);
  warnOfMissing(work, directory);
  if (!work.lfs) await warnOfPointers(work, directory);
  const submodules = at.disableSubmodules ? 0 : await updateSubmodules(work, directory);
  return { ...found, submodules };
}

function refuseWhatIsNotOne({ at, reporter }: GitWork): void {
  if (at.singleBranch && !at.branch) {
    throw new ArtifactError("single branch mode without a branch specified", { code: "git.refused" });
  }
  for (const [field, value] of Object.entries({ revision: at.revision, branch: at.branch })) {
    if (value) refuseOption(field, value);
  }
  for (const refspec of at.fetch ?? []) refuseRefspec(refspec);
  if (at.branch && !at.singleBranch) {
    reporter.warn(`git: branch ${JSON.stringify(at.branch)} counts only with singleBranch`);
  }
}

/** @returns nothing when the repository is empty */
async function fetchCommit(fetching: Fetching, directory: string): Promise<FoundCommit | undefined> {
  const { work } = fetching;
  const { revision } = work.at;
  const wanted = revision === undefined || revision === "" ? undefined : revision;
  if (wanted !== undefined && work.depth > 0) {
    const parsed = parseRevision(wanted);
    const found = parsed && (await fetchWanted(fetching, parsed));
    if (found) {
      await fetchRefspecs(fetching);
      return found;
    }
    await emptyDirectory(directory);
  }
  const onDefault = await work.retry(async () => {
    await emptyDirectory(directory);
    return await cloneRepository(fetching, { complete: wanted !== undefined });
  });
  if (onDefault === undefined) {
    await configureEmpty(work, directory, wanted ?? "master");
    return undefined;
  }
  await fetchRefspecs(fetching);
  if (wanted === undefined) return onDefault;
  const found = await findInHistory(fetching, wanted);
  if (found) return found;
  throw new ArtifactError(
    `failed to get resolve revision: ${JSON.stringify(wanted)} is neither a branch, a tag nor a commit of ${withoutUserInfo(work.repository.url)}`,
    {
      code: "git.revision_not_found",
      remedy: "check the revision; a commit must be reachable from a branch, or given in full",
    },
  );
}

async function fetchRefspecs(fetching: Fetching): Promise<void> {
  const { depth, at } = fetching.work;
  if (!at.fetch?.length) return;
  const args = depth > 0 ? [`--depth=${depth}`] : [];
  // A refspec may name the branch that HEAD is on; nothing is checked out yet that this could confuse.
  await fetchFromOrigin({ ...fetching, doing: `failed to fetch ${at.fetch.join(" ")}` }, [
    ...args,
    "--update-head-ok",
    "origin",
    ...at.fetch,
  ]);
}

async function chooseDirectories({ git, sparse }: GitWork, directory: string): Promise<void> {
  if (sparse.length === 0) return;
  await git.run(["sparse-checkout", "set", "--cone", "--stdin"], {
    doing: `failed to choose ${sparse.join(", ")}`,
    cwd: directory,
    input: `${sparse.join("\n")}\n`,
  });
}

function warnOfMissing({ sparse, reporter }: GitWork, directory: string): void {
  for (const name of sparse) {
    if (!existsSync(join(directory, name))) reporter.warn(`git: the commit has no directory ${name}`);
  }
}

async function writeFiles(work: GitWork, directory: string, found: FoundCommit): Promise<void> {
  const { git, reporter, at } = work;
  const to = at.revision ? ["--detach", found.commit] : [found.name ?? found.commit];
  await work.retry(() =>
    git.run(["checkout", "--progress", "--force", ...to, "--"], {
      doing: `failed to checkout ${JSON.stringify(found.commit)}`,
      cwd: directory,
      work: "files",
      onTrace: ({ phases }) => reporter.phases(phases, {}),
    }),
  );
}

/** Upstream takes an empty repository for a success, with a branch configured that is called like the revision. */
async function configureEmpty({ git }: GitWork, directory: string, branch: string): Promise<void> {
  const doing = "cannot configure the empty repository";
  for (const [name, value] of [
    ["remote", "origin"],
    ["merge", "refs/heads/master"],
  ]) {
    await git.run(["config", `branch.${branch}.${name}`, value ?? ""], { doing, cwd: directory });
  }
}
