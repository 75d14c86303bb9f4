import { ArtifactError, type GitLocation } from "@skein/contract";
import { ATTR, type Attributes } from "@skein/telemetry";
import type { ArtifactDriver } from "../driver.ts";
import type { SecretReader } from "../secret-reader.ts";
import type { Transfer } from "../transfer.ts";
import { type CheckedOut, checkOut } from "./git-checkout.ts";
import { createGitEnvironment } from "./git-environment.ts";
import { type GitRepository, parseGitRepository, repositoryPath, withoutUserInfo } from "./git-repository.ts";
import { OBJECT_NAME } from "./git-revision.ts";
import type { GitSettings } from "./git-settings.ts";
import type { GitWork } from "./git-work.ts";
import { countFiles, packedBytes } from "./measure-checkout.ts";
import { createReporter } from "./report-git.ts";
import { createGit } from "./run-git.ts";

export interface GitDriverOptions extends GitSettings {
  /** The artifact's: settings may be for one of several. */
  name: string;
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
    attributes: repositoryAttributes(at, repository),
    open: async (transfer) => ({
      kind: "directory",
      loadInto: (directory) => load(at, repository, directory, transfer, options),
    }),
    saveStream: refuse,
    saveDirectory: refuse,
  };
}

function repositoryAttributes(at: GitLocation, repository: GitRepository): Attributes {
  return {
    [ATTR.vcsRepositoryUrl]: withoutUserInfo(repository.url),
    [ATTR.vcsRepositoryName]: repositoryPath(repository)?.split("/").at(-1) || undefined,
    ...(at.revision && !OBJECT_NAME.test(at.revision) ? { [ATTR.vcsHeadName]: at.revision } : {}),
    ...(repository.host ? { [ATTR.serverAddress]: repository.host } : {}),
  };
}

async function load(
  at: GitLocation,
  repository: GitRepository,
  directory: string,
  transfer: Transfer,
  options: GitDriverOptions,
): Promise<void> {
  const { clock, tally } = transfer;
  const { name, secrets, ...settings } = options;
  const lfs = settings.lfs(name);
  await using environment = await clock.during("credentials", () =>
    createGitEnvironment({ at, repository, target: directory, secrets, settings, lfs }),
  );
  const siblings = new AbortController();
  const signal = AbortSignal.any([transfer.signal, siblings.signal]);
  const { reporter, received } = createReporter(transfer);
  const git = createGit({
    program: settings.program,
    ...environment,
    signal,
    meter: clock,
    stallTimeoutMs: settings.stallTimeoutMs,
    onStall: (ms) => {
      tally.stalledMs += ms;
    },
  });
  const work: GitWork = {
    ...{ at, repository, git, reporter, signal, lfs },
    allow: (submodule) => environment.allow(submodule),
    abort: (reason) => siblings.abort(reason),
    retry: (work) => transfer.retry(() => transfer.stream(work), signal),
    depth: Math.max(0, Math.floor(at.depth ?? 0)),
    sparse: settings.sparse(name),
    filter: settings.filter(name),
    mirrors: settings.mirrors,
    jobs: settings.jobs,
  };
  const found = await checkOut(work, directory);
  transfer.annotate(headAttributes(found));
  // A pack is kept as it came, so its size is what came; with a copy beside the server only git can tell.
  tally.bytes += received.fileBytes + (received.hasMirror ? received.packBytes : packedBytes(directory));
  const { files, bytes } = await clock.during("disk", () => countFiles(directory));
  tally.files += files;
  tally.unpackedBytes += bytes;
}

function headAttributes({ commit, name, kind, submodules }: CheckedOut): Attributes {
  return {
    [ATTR.vcsHeadRevision]: commit,
    [ATTR.vcsHeadName]: name,
    [ATTR.vcsHeadType]: kind,
    [ATTR.gitSubmodules]: submodules > 0 ? submodules : undefined,
  };
}
