import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError } from "@skein/contract";
import { parseGitRepository } from "./git-repository.ts";
import type { GitWork } from "./git-work.ts";

/** Keys of .lfsconfig that name a server (git-lfs-config(5)). */
const ADDRESS = /^(lfs\.(push)?url|remote\..*\.lfs(push)?url)$/;

/**
 * Refuses a commit whose .lfsconfig would have git-lfs read files of this machine, which a remote repository must not.
 *
 * @param cwd a repository that has the commit
 * @throws ArtifactError `git.refused`
 */
export async function guardLfs(
  { git, lfs, repository }: GitWork,
  cwd: string,
  commit: string,
): Promise<void> {
  if (!lfs) return;
  const doing = "failed to read .lfsconfig";
  const entry = await git.run(["ls-tree", "-z", commit, "--", ".lfsconfig"], { doing, cwd });
  if (entry === "") return;
  const listed = await git.run(["config", `--blob=${commit}:.lfsconfig`, "--null", "--list"], { doing, cwd });
  for (const pair of listed.split("\0")) {
    const [key = "", address = ""] = pair.split(/\n(.*)/s);
    if (!ADDRESS.test(key) || isRemote(address)) continue;
    if (repository.transport === "file" && !address.startsWith("-")) continue;
    throw new ArtifactError(`git: .lfsconfig: ${key} must be an https, http or ssh address`, {
      code: "git.refused",
      remedy: "without SKEIN_GIT_LFS the repository is loaded with pointers in the place of its large files",
    });
  }
}

/** Says that what looks like files are only pointers, as far as the root's .gitattributes tells. */
export async function warnOfPointers({ reporter }: GitWork, directory: string): Promise<void> {
  const path = join(directory, ".gitattributes");
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isFile() || found.size > MAX_ATTRIBUTES_BYTES) return;
  if (/^[^#].*\bfilter=lfs\b/m.test(await readFile(path, "utf8"))) {
    reporter.warn(
      "git: the repository uses LFS, and large files are left as pointers: SKEIN_GIT_LFS fetches them",
    );
  }
}

const MAX_ATTRIBUTES_BYTES = 1024 * 1024;

function isRemote(address: string): boolean {
  try {
    return parseGitRepository(address).transport !== "file";
  } catch {
    return false;
  }
}
