import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { runCommand } from "../../../../test/support/command.ts";
import { type ObservedTransfer, observedTransfer, secretsOf, temporaryDirectory } from "../test-support.ts";
import { createGitDriver, type GitDriverOptions } from "./git-driver.ts";
import { parseGitSettings } from "./git-settings.ts";

/** What `load` works with, where a test says nothing else. */
export const OPTIONS: GitDriverOptions = {
  ...settingsFrom({}),
  knownHosts: [],
  name: "source",
  secrets: secretsOf({}),
};

/** The settings of an environment, as an operator sets it. */
export function settingsFrom(env: Record<string, string>) {
  return parseGitSettings(env.SSH_KNOWN_HOSTS, { PATH: process.env.PATH, ...env });
}

/** A repository that was loaded into a directory of its own. */
export interface Loaded extends AsyncDisposable {
  path: string;
  observed: ObservedTransfer;
  git(...args: string[]): Promise<string>;
  text(file: string): Promise<string>;
}

/** Loads a repository as the engine does. What fails leaves nothing behind. */
export async function load(
  at: GitLocation,
  options: Partial<GitDriverOptions> = {},
  observed = observedTransfer(),
): Promise<Loaded> {
  const target = await temporaryDirectory();
  try {
    const content = await createGitDriver(at, { ...OPTIONS, ...options }).open(observed.transfer);
    if (content.kind !== "directory") throw new Error("expected a directory");
    await content.loadInto(target.path);
  } catch (error) {
    await target[Symbol.asyncDispose]();
    throw error;
  }
  return {
    ...target,
    observed,
    git: (...args) => gitIn(target.path, ...args),
    text: (file) => readFile(join(target.path, file), "utf8"),
  };
}

/** What git says in a directory, without the line's end. */
export async function gitIn(cwd: string, ...args: string[]): Promise<string> {
  const env = {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
  };
  return (await runCommand("git", args, { cwd, env })).trim();
}

/** The names of the events of git's work, in order. */
export function phasesOf({ events }: ObservedTransfer): unknown[] {
  return events
    .filter(({ name }) => name === "git phase")
    .map(({ attributes }) => attributes["argo.git.phase"]);
}

/** Why the short ways were not taken. */
export function fallbacksOf({ events }: ObservedTransfer): unknown[] {
  return events
    .filter(({ name }) => name === "git fallback")
    .map(({ attributes }) => attributes["argo.git.reason"]);
}
