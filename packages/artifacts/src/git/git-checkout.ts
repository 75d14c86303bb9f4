import { existsSync } from "node:fs";
import { join } from "node:path";
import { ArtifactError, type GitLocation } from "@skein/contract";
import { type GitRepository, refuseOption, withoutUserInfo } from "./git-repository.ts";
import type { Git, GitRun } from "./run-git.ts";

export interface GitCheckout {
  at: GitLocation;
  repository: GitRepository;
  git: Git;
  /** An empty directory. */
  directory: string;
  /** Submodules fetched at the same time. */
  jobs: number;
  /** Takes the lines of progress of whatever runs. */
  onLine: (line: string) => void;
}

/** What was checked out; neither is known of an empty repository. */
export interface CheckedOut {
  commit: string | undefined;
  /** The branch or tag. */
  name: string | undefined;
}

/**
 * Fetches a repository and checks a revision out (contract §12.2). Without a revision it is a clone with its
 * default branch; with one, HEAD is detached at it. Where a depth is given, only the wanted commit and so many
 * before it are fetched, for the revision too (upstream then fetches all of every branch).
 *
 * @throws ArtifactError
 */
export async function checkOut(checkout: GitCheckout): Promise<CheckedOut> {
  const { at } = checkout;
  if (at.singleBranch && !at.branch) {
    throw new ArtifactError("single branch mode without a branch specified", { code: "git.refused" });
  }
  for (const [field, value] of Object.entries({ revision: at.revision, branch: at.branch })) {
    if (value) refuseOption(field, value);
  }
  for (const refspec of at.fetch ?? []) refuseOption("fetch", refspec);
  const steps = new CheckoutSteps(checkout);
  const found = at.revision ? await steps.fetchRevision(at.revision) : await steps.clone();
  if (!found.commit) return found;
  if (!at.disableSubmodules) await steps.updateSubmodules();
  return found;
}

/** A whole object name: SHA-1, or SHA-256. */
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

class CheckoutSteps {
  readonly #checkout: GitCheckout;
  readonly #depth: string[];

  constructor(checkout: GitCheckout) {
    this.#checkout = checkout;
    const { depth = 0 } = checkout.at;
    this.#depth = depth > 0 ? [`--depth=${Math.floor(depth)}`] : [];
  }

  async clone(): Promise<CheckedOut> {
    const { at, repository, directory } = this.#checkout;
    const branch = at.branch ? [`--branch=${at.branch}`] : [];
    const single = at.singleBranch ? ["--single-branch"] : [];
    const args = [
      "--progress",
      "--no-local",
      "--template=",
      "--origin=origin",
      ...branch,
      ...single,
      ...this.#depth,
    ];
    await this.#git(["clone", ...args, "--", repository.url, directory], this.#cloning(), "/");
    await this.#fetchRefspecs();
    const commit = await this.#resolve("HEAD");
    const name = await this.#git(["symbolic-ref", "--short", "HEAD"], "cannot read HEAD");
    return { commit, name: commit && name.trim() };
  }

  async fetchRevision(revision: string): Promise<CheckedOut> {
    const { repository, directory, at } = this.#checkout;
    await this.#git(["init", "--quiet", "--template=", "--", directory], this.#cloning(), "/");
    await this.#git(["remote", "add", "--", "origin", repository.url], this.#cloning());
    const fetched = await this.#fetchWanted(revision);
    await this.#fetchRefspecs();
    const commit = fetched ?? (await this.#find(revision));
    if (commit === undefined) {
      if (await this.#isEmpty()) return this.#emptyRepository(revision);
      throw new ArtifactError(
        `failed to get resolve revision: ${JSON.stringify(revision)} is neither a branch, a tag nor a commit of ${withoutUserInfo(repository.url)}`,
        {
          code: "git.revision_not_found",
          remedy: "check the revision; a commit must be reachable from a branch",
        },
      );
    }
    await this.#git(
      ["checkout", "--progress", "--detach", commit, "--"],
      `failed to checkout ${JSON.stringify(commit)}`,
    );
    return { commit, name: COMMIT.test(revision) ? at.branch : revision };
  }

  async updateSubmodules(): Promise<void> {
    const { directory, jobs } = this.#checkout;
    if (!existsSync(join(directory, ".gitmodules"))) return;
    const args = ["submodule", "update", "--init", "--recursive", "--progress", `--jobs=${jobs}`];
    const doing = "failed to update submodules";
    try {
      await this.#git([...args, ...this.#depth], doing);
    } catch (error) {
      // A server may refuse a commit that is no branch's tip: then all of the history has to come.
      const refused = error instanceof ArtifactError && error.code === "git.revision_not_found";
      if (!refused || this.#depth.length === 0) throw error;
      await this.#git(args, doing);
    }
  }

  /** @returns the commit, when it is known for sure; nothing when all that could be fetched has been fetched */
  async #fetchWanted(revision: string): Promise<string | undefined> {
    const { at } = this.#checkout;
    const isShallow = this.#depth.length > 0;
    if (isShallow && !at.singleBranch) {
      const wanted = COMMIT.test(revision) ? revision : await this.#advertised(revision);
      if (wanted !== undefined && (await this.#fetchOne(wanted, revision)))
        return this.#resolve("FETCH_HEAD");
    }
    // All history of all branches, or of the one: what a short hash or `main~2` is, only this can tell.
    const branch = at.singleBranch ? at.branch : "*";
    const refspec = `+refs/heads/${branch}:refs/remotes/origin/${branch}`;
    await this.#fetch([...(at.singleBranch ? this.#depth : []), "origin", refspec], this.#cloning());
    const found = await this.#find(revision);
    if (found !== undefined) return found;
    if (at.singleBranch && isShallow) await this.#fetch(["--unshallow", "origin", refspec], this.#cloning());
    // A commit that no branch leads to any more can still be had from most servers.
    if (COMMIT.test(revision) && (await this.#fetchOne(revision, revision)))
      return this.#resolve("FETCH_HEAD");
    return undefined;
  }

  /** The full name of the tag or branch. Tags first, as git itself resolves names. */
  async #advertised(revision: string): Promise<string | undefined> {
    if (revision.startsWith("refs/")) return revision;
    const listed = await this.#git(["ls-remote", "--tags", "--heads", "origin", revision], this.#cloning());
    const names = listed.split("\n").map((line) => line.split("\t")[1]);
    return [`refs/tags/${revision}`, `refs/heads/${revision}`].find((name) => names.includes(name));
  }

  /** @returns false when the server does not give this commit away */
  async #fetchOne(wanted: string, revision: string): Promise<boolean> {
    const isTag = wanted.startsWith("refs/tags/");
    const isBranch = wanted.startsWith("refs/heads/");
    const keepAs = isTag ? wanted : `refs/remotes/origin/${revision}`;
    const refspec = isTag || isBranch ? `+${wanted}:${keepAs}` : wanted;
    try {
      await this.#fetch(["--no-tags", ...this.#depth, "origin", refspec], this.#cloning());
      return true;
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "git.revision_not_found") return false;
      throw error;
    }
  }

  async #fetchRefspecs(): Promise<void> {
    const { at } = this.#checkout;
    if (!at.fetch?.length) return;
    await this.#fetch([...this.#depth, "origin", ...at.fetch], `failed to fetch ${at.fetch.join(" ")}`);
  }

  async #fetch(args: readonly string[], doing: string): Promise<void> {
    await this.#git(["fetch", "--progress", "--no-recurse-submodules", ...args], doing);
  }

  /** The commit a revision means, as far as it has been fetched. */
  async #find(revision: string): Promise<string | undefined> {
    for (const candidate of [`refs/tags/${revision}`, `refs/remotes/origin/${revision}`, revision]) {
      const commit = await this.#resolve(candidate);
      if (commit !== undefined) return commit;
    }
    return undefined;
  }

  async #resolve(name: string): Promise<string | undefined> {
    try {
      const commit = await this.#git(["rev-parse", "--verify", "--quiet", `${name}^{commit}`], "rev-parse");
      return commit.trim();
    } catch (error) {
      // `--quiet`: it says so by its exit code alone.
      if (error instanceof ArtifactError && error.code === "git.failed") return undefined;
      throw error;
    }
  }

  async #isEmpty(): Promise<boolean> {
    return (await this.#git(["ls-remote", "origin"], this.#cloning())).trim() === "";
  }

  /** Upstream takes an empty repository for a success, with the branch that was asked for configured. */
  async #emptyRepository(branch: string): Promise<CheckedOut> {
    const doing = "cannot configure the empty repository";
    await this.#git(["symbolic-ref", "HEAD", `refs/heads/${branch}`], doing);
    await this.#git(["config", `branch.${branch}.remote`, "origin"], doing);
    await this.#git(["config", `branch.${branch}.merge`, `refs/heads/${branch}`], doing);
    return { commit: undefined, name: undefined };
  }

  /** Upstream's words. */
  #cloning(): string {
    return `failed to clone ${JSON.stringify(withoutUserInfo(this.#checkout.repository.url))}`;
  }

  #git(args: readonly string[], doing: string, cwd = this.#checkout.directory): Promise<string> {
    const { git, onLine } = this.#checkout;
    const run: GitRun = { doing, cwd, onLine };
    return git.run(args, run);
  }
}
