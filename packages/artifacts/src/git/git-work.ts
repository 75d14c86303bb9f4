import type { GitLocation } from "@skein/contract";
import type { GitMirror } from "./git-mirrors.ts";
import type { GitRepository } from "./git-repository.ts";
import type { Git } from "./run-git.ts";
import type { GitPhase } from "./trace2.ts";

/** What was learnt while the repository came. */
export interface GitReporter {
  /** @param submodule its path; undefined for the repository itself */
  phases(
    phases: readonly (GitPhase | SubmodulePhase)[],
    about: { submodule?: string | undefined; mirror?: string | undefined },
  ): void;
  /** Something did not work the short way, and was done in a longer one. */
  fallback(reason: string, about: { submodule?: string | undefined; mirror?: string | undefined }): void;
  /** The repository's objects, or most of them, are from this copy. */
  mirror(directory: string): void;
  warn(message: string): void;
}

/** A submodule, from its first request until its files are there. */
export interface SubmodulePhase {
  name: "submodule";
  startMs: number;
  endMs: number;
}

/** One artifact's repository on its way, submodules included. */
export interface GitWork {
  at: GitLocation;
  repository: GitRepository;
  git: Git;
  reporter: GitReporter;
  signal: AbortSignal;
  /** Has git use what stands in an address besides the host: the credentials of a submodule. */
  allow(repository: GitRepository): Promise<void>;
  /** Ends whatever runs, because something else has failed. */
  abort(reason: unknown): void;
  /** Runs what talks to a server until it succeeds or there is no use in it, counted as a stream. */
  retry<T>(work: () => Promise<T>): Promise<T>;
  /** Commits of history; 0 for all of it. */
  depth: number;
  lfs: boolean;
  /** Directories that are checked out; all when there is none. */
  sparse: readonly string[];
  /** Objects the server need not send at once; empty for none. */
  filter: string;
  mirrors: readonly GitMirror[];
  /** Submodules at the same time. */
  jobs: number;
}
