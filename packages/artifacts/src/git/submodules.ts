import { existsSync } from "node:fs";
import { appendFile, lstat, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ArtifactError } from "@skein/contract";
import { Semaphore } from "../semaphore.ts";
import {
  type Fetching,
  fetchFromMirror,
  fetchFromOrigin,
  isRefusedByServer,
  isWithoutShallow,
  resolveCommit,
} from "./fetch-commit.ts";
import { formatConfig } from "./git-config.ts";
import { type GitRepository, parseGitRepository, withoutUserInfo } from "./git-repository.ts";
import type { GitWork } from "./git-work.ts";
import { guardLfs } from "./lfs.ts";
import { listSubmodules, type Submodule } from "./submodule-list.ts";

/** As upstream: submodules of submodules of …, ten times. */
const MAX_DEPTH = 10;

/** A repository whose submodules are wanted. */
interface Parent {
  directory: string;
  /** Its `.git`, or where that leads. */
  gitDirectory: string;
  /** Below the artifact; empty for the artifact itself. */
  path: string;
  level: number;
}

/**
 * Fetches the submodules of what is checked out in a directory, and theirs, several at once, and checks them out. Each
 * comes as the one commit that is wanted, where there is a depth or its authors say so, and else with its branches.
 *
 * @returns how many
 * @throws ArtifactError that names the submodule
 */
export async function updateSubmodules(work: GitWork, directory: string): Promise<number> {
  const update = new SubmoduleUpdate(work);
  await update.of({ directory, gitDirectory: join(directory, ".git"), path: "", level: 0 });
  return update.count;
}

class SubmoduleUpdate {
  readonly #work: GitWork;
  readonly #jobs: Semaphore;
  count = 0;

  constructor(work: GitWork) {
    this.#work = work;
    this.#jobs = new Semaphore(work.jobs);
  }

  async of(parent: Parent): Promise<void> {
    const submodules = await listSubmodules(this.#work, parent.directory);
    if (submodules.length === 0) return;
    if (parent.level > MAX_DEPTH) {
      this.#work.reporter.warn(`git: submodules below ${parent.path} are left out: they are nested too deep`);
      return;
    }
    for (const { url, path } of submodules) {
      // Those that are relative are made whole by git.
      if (!/^\.{1,2}\//.test(url)) parseSubmoduleUrl(url, path, this.#work.repository);
    }
    const urls = await this.#register(parent, submodules);
    const updates = submodules.map((submodule) => this.#update(parent, submodule, urls.get(submodule.name)));
    try {
      await Promise.all(updates);
    } catch (reason) {
      this.#work.abort(reason);
      await Promise.allSettled(updates); // nothing of ours runs after we have thrown
      throw reason;
    }
  }

  /** Has git enter them into its configuration, with addresses that are relative to the parent's made whole. */
  async #register(parent: Parent, submodules: readonly Submodule[]): Promise<Map<string, string>> {
    const { git } = this.#work;
    const run = { doing: "failed to update submodules", cwd: parent.directory };
    await git.run(["submodule", "--quiet", "init", "--", ...submodules.map(({ path }) => path)], run);
    const listed = await git.run(
      ["config", "--local", "--null", "--get-regexp", "^submodule\\..*\\.url$"],
      run,
    );
    const pairs = listed.split("\0").map((pair) => /^submodule\.(.*)\.url\n(.*)$/s.exec(pair));
    return new Map(pairs.flatMap((pair) => (pair?.[1] === undefined ? [] : [[pair[1], pair[2] ?? ""]])));
  }

  async #update(parent: Parent, submodule: Submodule, url: string | undefined): Promise<void> {
    const path = parent.path === "" ? submodule.path : `${parent.path}/${submodule.path}`;
    const child: Parent = {
      directory: join(parent.directory, submodule.path),
      gitDirectory: join(parent.gitDirectory, "modules", submodule.name),
      path,
      level: parent.level + 1,
    };
    await this.#jobs.use(async () => {
      const startMs = Date.now();
      await this.#fetch(child, submodule, parseSubmoduleUrl(url, path, this.#work.repository));
      await this.#checkOut(parent, child, submodule);
      const phase = { name: "submodule", startMs, endMs: Date.now() } as const;
      this.#work.reporter.phases([phase], { submodule: path });
    }, this.#work.signal);
    this.count++;
    await this.of(child);
  }

  /** Where git would clone it to. What is there already it does not fetch again. */
  async #fetch({ gitDirectory, path }: Parent, submodule: Submodule, from: GitRepository): Promise<void> {
    const { git } = this.#work;
    const doing = `failed to update submodules: ${path} from ${withoutUserInfo(from.url)}`;
    await mkdir(gitDirectory, { recursive: true });
    const format = submodule.commit.length === 64 ? ["--object-format=sha256"] : [];
    await git.run(["init", "--quiet", "--bare", "--template=", ...format], { doing, cwd: gitDirectory });
    const fetch = "+refs/heads/*:refs/remotes/origin/*";
    const remote = { name: "remote", subsection: "origin", values: { url: from.url, fetch } };
    const core = { name: "core", values: { bare: "false", logAllRefUpdates: "true" } };
    await appendFile(join(gitDirectory, "config"), formatConfig([core, remote]));
    const fetching: Fetching = { work: this.#work, cwd: gitDirectory, from, doing, submodule: path };
    const depth = this.#work.depth > 0 ? this.#work.depth : Number(submodule.isShallow);
    await fetchSubmodule(fetching, submodule.commit, depth);
  }

  async #checkOut(parent: Parent, child: Parent, submodule: Submodule): Promise<void> {
    const doing = `failed to update submodules: ${child.path}`;
    await refuseLinks(parent.directory, submodule.path);
    await guardLfs(this.#work, child.gitDirectory, submodule.commit);
    await this.#work.retry(() =>
      this.#work.git.run(
        ["submodule", "--quiet", "update", "--no-fetch", "--checkout", "--force", "--", submodule.path],
        {
          doing,
          cwd: parent.directory,
          work: "files",
          onTrace: ({ phases }) => this.#work.reporter.phases(phases, { submodule: child.path }),
        },
      ),
    );
  }
}

/** The wanted commit alone, or all there is. */
async function fetchSubmodule(fetching: Fetching, commit: string, depth: number): Promise<void> {
  const { work, cwd, submodule } = fetching;
  const isThere = async () => (await resolveCommit(work, cwd, commit)) !== undefined;
  const alone = depth > 0 ? ["--no-tags", `--depth=${depth}`] : undefined;
  const branches = ["+refs/heads/*:refs/remotes/origin/*"];
  const fromMirror = await fetchFromMirror(fetching, alone ?? [], alone ? [commit] : [...branches]);
  if (fromMirror !== undefined) {
    if (await isThere()) return;
    work.reporter.fallback("the mirror lacks the commit", { submodule, mirror: fromMirror });
  }
  if (alone) {
    try {
      return await fetchFromOrigin(fetching, [...alone, "origin", commit]);
    } catch (error) {
      if (!isRefusedByServer(error)) throw error;
      const reason = isWithoutShallow(error)
        ? "the server gives no shallow history"
        : "the server has no such commit, or gives no single commits away";
      work.reporter.fallback(reason, { submodule });
    }
  }
  await fetchFromOrigin(fetching, ["origin", ...branches]);
  if (!(await isThere())) await fetchFromOrigin(fetching, ["--no-tags", "origin", commit]);
}

/** @throws ArtifactError `git.refused` for an address that the repository itself could not have */
function parseSubmoduleUrl(url: string | undefined, path: string, parent: GitRepository): GitRepository {
  if (url === undefined) throw refused(path, "its address is not one that git takes");
  let repository: GitRepository;
  try {
    repository = parseGitRepository(url);
  } catch (error) {
    throw refused(path, error instanceof Error ? error.message : String(error));
  }
  if (repository.transport === "file" && parent.transport !== "file") {
    throw refused(path, `${JSON.stringify(url)} is on this machine, and the repository is not`);
  }
  return repository;
}

/** Nothing is checked out through a link (CVE-2024-32002). */
async function refuseLinks(directory: string, path: string): Promise<void> {
  for (let at = path; at !== "."; at = dirname(at)) {
    const found = existsSync(join(directory, at)) ? await lstat(join(directory, at)) : undefined;
    if (found && !found.isDirectory()) throw refused(path, `${at} is not a directory`);
  }
}

function refused(path: string, why: string): ArtifactError {
  return new ArtifactError(`failed to update submodules: ${path}: ${why}`, {
    code: "git.refused",
    remedy: "disableSubmodules loads the repository without its submodules",
  });
}
