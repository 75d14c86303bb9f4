import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GitLocation } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import { createGitEnvironment } from "./git-environment.ts";
import { parseGitRepository, withoutUserInfo } from "./git-repository.ts";
import type { GitSettings } from "./git-settings.ts";
import { createGit } from "./run-git.ts";

/** What a repository says when it is asked. */
export interface RepositoryHead {
  /** Without credentials. */
  url: string;
  transport: "https" | "http" | "ssh" | "git" | "file";
  /** Commit of its default branch; undefined when it has none. */
  commit: string | undefined;
}

/** See `inspectRepository`. */
export async function readRepositoryHead(
  at: GitLocation,
  { secrets, settings, signal }: { secrets: SecretReader; settings: GitSettings; signal: AbortSignal },
): Promise<RepositoryHead> {
  const repository = parseGitRepository(at.repo);
  const target = join(settings.env.TMPDIR || tmpdir(), "skein-doctor");
  await using environment = await createGitEnvironment({
    ...{ at, repository, target, secrets, settings },
    lfs: false,
  });
  const git = createGit({
    program: settings.program,
    env: environment.env,
    directory: environment.directory,
    signal,
    meter: { enter: () => {}, leave: () => {} },
    stallTimeoutMs: settings.stallTimeoutMs,
  });
  const url = withoutUserInfo(repository.url);
  const listed = await git.run(["ls-remote", "--", repository.url, "HEAD"], {
    doing: `cannot read ${JSON.stringify(url)}`,
    cwd: environment.directory,
    work: "server",
  });
  return { url, transport: repository.transport, commit: /^([0-9a-f]{40,64})\tHEAD$/m.exec(listed)?.[1] };
}
