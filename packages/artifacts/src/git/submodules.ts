import { appendFile, lstat, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
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
import { resolveSubmoduleUrl } from "./relative-url.ts";
import { listSubmodules, type Submodule } from "./submodule-list.ts";

/** As upstream: submodules of submodules of …, ten times. */
const MAX_DEPTH = 10;

/** A repository whose submodules are wanted. */
interface Parent {
  directory: string;
  /** Its `.git`, or where that leads. */
  gitDirectory: string;
  /** What addresses of its submodules are relative to. */
  url: string;
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
  const { url } = work.repository;
  await update.of({ directory, gitDirectory: join(directory, ".git"), url, path: "", level: 0 });
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
    const sources = submodules.map(({ url, path }) => {
      const whole = resolveSubmoduleUrl(url, parent.url);
      return parseSubmoduleUrl(whole, pathBelow(parent, path), this.#work.repository);
    });
    await register(parent, submodules, sources);
    const updates = submodules.map((submodule, index) =>
      this.#update(parent, submodule, sources[index] ?? this.#work.repository),
    );
    try {
      await Promise.all(updates);
    } catch (reason) {
      this.#work.abort(reason);
      await Promise.allSettled(updates); // nothing of ours runs after we have thrown
      throw reason;
    }
  }

  async #update(parent: Parent, submodule: Submodule, from: GitRepository): Promise<void> {
    const path = pathBelow(parent, submodule.path);
    const child: Parent = {
      directory: join(parent.directory, submodule.path),
      gitDirectory: join(parent.gitDirectory, "modules", submodule.name),
      url: from.url,
      path,
      level: parent.level + 1,
    };
    await this.#jobs.use(async () => {
      const startMs = Date.now();
      await this.#fetch(child, submodule, from);
      await refuseOccupied(parent.directory, submodule.path);
      await this.#checkOut(child, submodule.commit);
      const phase = { name: "submodule", startMs, endMs: Date.now() } as const;
      this.#work.reporter.phases([phase], { submodule: path });
    }, this.#work.signal);
    this.count++;
    await this.of(child);
  }

  async #fetch(child: Parent, submodule: Submodule, from: GitRepository): Promise<void> {
    const { gitDirectory, directory, path } = child;
    const { git } = this.#work;
    const doing = `failed to update submodules: ${path} from ${withoutUserInfo(from.url)}`;
    await mkdir(gitDirectory, { recursive: true });
    const format = submodule.commit.length === 64 ? ["--object-format=sha256"] : [];
    await git.run(["init", "--quiet", "--bare", "--template=", ...format], { doing, cwd: gitDirectory });
    const worktree = relative(gitDirectory, directory);
    const fetch = "+refs/heads/*:refs/remotes/origin/*";
    const sections = [
      { name: "core", values: { bare: "false", logAllRefUpdates: "true", worktree } },
      { name: "remote", subsection: "origin", values: { url: from.url, fetch } },
    ];
    await appendFile(join(gitDirectory, "config"), formatConfig(sections));
    await this.#work.allow(from);
    const fetching: Fetching = { work: this.#work, cwd: gitDirectory, from, doing, submodule: path };
    const depth = this.#work.depth > 0 ? this.#work.depth : Number(submodule.isShallow);
    await fetchSubmodule(fetching, submodule.commit, depth);
  }

  async #checkOut({ directory, gitDirectory, path }: Parent, commit: string): Promise<void> {
    const { git, reporter, retry } = this.#work;
    await writeFile(join(directory, ".git"), `gitdir: ${relative(directory, gitDirectory)}\n`, {
      flag: "wx",
    });
    await guardLfs(this.#work, directory, commit);
    await retry(() =>
      git.run(["checkout", "--progress", "--force", "--detach", commit, "--"], {
        doing: `failed to update submodules: ${path}`,
        cwd: directory,
        work: "files",
        onTrace: ({ phases }) => reporter.phases(phases, { submodule: path }),
      }),
    );
  }
}

function pathBelow(parent: Parent, path: string): string {
  return parent.path === "" ? path : `${parent.path}/${path}`;
}

/** Enters them into their parent's configuration, as `git submodule init` does: a script, and images have no scripts of git's. */
async function register(
  { gitDirectory }: Parent,
  submodules: readonly Submodule[],
  sources: readonly GitRepository[],
): Promise<void> {
  const sections = submodules.map(({ name }, index) => ({
    name: "submodule",
    subsection: name,
    values: { active: "true", url: sources[index]?.url ?? "" },
  }));
  await appendFile(join(gitDirectory, "config"), formatConfig(sections));
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
  if (url === undefined) throw refused(path, "its address leads above its parent's host");
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

/** Nothing is checked out through a link (CVE-2024-32002), nor over what is there already. */
async function refuseOccupied(directory: string, path: string): Promise<void> {
  for (let at = path; at !== "."; at = dirname(at)) {
    const found = await lstat(join(directory, at)).catch(() => undefined);
    if (found && !found.isDirectory()) throw refused(path, `${at} is not a directory`);
  }
  await mkdir(join(directory, path), { recursive: true });
  if ((await readdir(join(directory, path))).length > 0) throw refused(path, "its directory is not empty");
}

function refused(path: string, why: string): ArtifactError {
  return new ArtifactError(`failed to update submodules: ${path}: ${why}`, {
    code: "git.refused",
    remedy: "disableSubmodules loads the repository without its submodules",
  });
}
