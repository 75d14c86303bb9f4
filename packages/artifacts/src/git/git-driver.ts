import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError, type GitLocation } from "@skein/contract";
import { ATTR } from "@skein/telemetry";
import type { ArtifactDriver } from "../driver.ts";
import type { SecretReader } from "../secret-reader.ts";
import type { GitSettings } from "../settings.ts";
import type { Transfer } from "../transfer.ts";
import { checkOut } from "./git-checkout.ts";
import { createGitEnvironment } from "./git-environment.ts";
import { GitProgress } from "./git-progress.ts";
import { type GitRepository, parseGitRepository, withoutUserInfo } from "./git-repository.ts";
import { countFiles, packedBytes } from "./measure-checkout.ts";
import { createGit } from "./run-git.ts";

export interface GitDriverOptions extends GitSettings {
  secrets: SecretReader;
}

/**
 * Checks repositories out with the git program: https, ssh and local ones. Can only load.
 *
 * @throws ArtifactError `git.refused` for an address that is not one
 */
export function createGitDriver(at: GitLocation, options: GitDriverOptions): ArtifactDriver {
  const repository = parseGitRepository(at.repo);
  const refuse = async (): Promise<never> => {
    throw new ArtifactError("git output artifacts unsupported", { code: "artifact.unsupported_operation" });
  };
  return {
    name: "git",
    attributes: {
      [ATTR.vcsRepositoryUrl]: withoutUserInfo(repository.url),
      ...(at.revision ? { [ATTR.vcsHeadName]: at.revision } : {}),
      ...(repository.host ? { [ATTR.serverAddress]: repository.host } : {}),
    },
    open: async (transfer) => ({
      kind: "directory",
      loadInto: (directory) => load(at, repository, directory, transfer, options),
    }),
    saveStream: refuse,
    saveDirectory: refuse,
  };
}

async function load(
  at: GitLocation,
  repository: GitRepository,
  directory: string,
  transfer: Transfer,
  options: GitDriverOptions,
): Promise<void> {
  const { clock, signal } = transfer;
  await using environment = await clock.during("credentials", () =>
    createGitEnvironment(at, repository, options.secrets, options),
  );
  const git = createGit({ program: options.program, env: environment.env, signal });
  const progress = new GitProgress(clock);
  await transfer.retry(async () => {
    await emptyDirectory(directory);
    const found = await transfer.stream(() =>
      progress.during(() =>
        checkOut({
          ...{ at, repository, git, directory },
          jobs: options.jobs,
          onLine: (line) => progress.line(line),
        }),
      ),
    );
    transfer.tally.bytes += packedBytes(directory);
    transfer.annotate({ [ATTR.vcsHeadRevision]: found.commit, [ATTR.vcsHeadName]: found.name });
    if (found.commit === undefined) return;
    const { files, bytes } = await clock.during("disk", () => countFiles(git, directory));
    transfer.tally.files += files;
    transfer.tally.unpackedBytes += bytes;
  });
}

/** git clones into an empty directory only; an attempt that failed may have left something. */
async function emptyDirectory(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
