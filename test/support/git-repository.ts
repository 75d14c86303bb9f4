import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCommand } from "./command.ts";

/** A repository made on the spot. */
export interface GitRepository extends AsyncDisposable {
  /** Of the working tree; `.git` is inside. */
  path: string;
  git(...args: string[]): Promise<string>;
  /** Writes the files and commits them. Returns the commit. */
  commit(message: string, files: Record<string, string | Buffer>): Promise<string>;
  /** Commits a submodule as its owner says, without looking at what is said. Returns the commit. */
  commitSubmodule(submodule: SubmoduleEntry): Promise<string>;
}

export interface SubmoduleEntry {
  /** Default: the path. */
  name?: string;
  path: string;
  url: string;
  /** Which one it is to be at. */
  commit: string;
  /** Further lines of its section in `.gitmodules`. */
  more?: string;
}

const IDENTITY = {
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  // Submodules of a test's repository are other directories of this machine.
  GIT_ALLOW_PROTOCOL: "file:http:ssh",
};

/** An empty repository on branch `main`, with uploads of any commit and partial clones allowed as on the big hosts. */
export async function createGitRepository(
  options: { objectFormat?: "sha1" | "sha256" } = {},
): Promise<GitRepository> {
  const { objectFormat = "sha1" } = options;
  const path = await mkdtemp(join(tmpdir(), "skein-repository-"));
  const git = (...args: string[]): Promise<string> => runCommand("git", args, { cwd: path, env: IDENTITY });
  await git("init", "--quiet", "--initial-branch=main", `--object-format=${objectFormat}`);
  await git("config", "uploadpack.allowAnySHA1InWant", "true");
  await git("config", "uploadpack.allowFilter", "true");
  return {
    path,
    git,
    async commit(message, files) {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), content);
      }
      await git("add", "--all");
      await git("commit", "--quiet", "--allow-empty", "-m", message);
      return (await git("rev-parse", "HEAD")).trim();
    },
    async commitSubmodule({ name, path: at, url, commit, more = "" }) {
      const section = `[submodule "${name ?? at}"]\n\tpath = ${at}\n\turl = ${url}\n${more}`;
      await appendFile(join(path, ".gitmodules"), section);
      await git("add", ".gitmodules");
      await git("update-index", "--add", "--cacheinfo", `160000,${commit},${at}`);
      await git("commit", "--quiet", "-m", `submodule ${at}`);
      return (await git("rev-parse", "HEAD")).trim();
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
