import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { LabSetupError } from "../errors.ts";
import type { SandboxTools } from "./sandbox-script.ts";

/** Where system programs are, even when the caller's PATH does not say so (a plain user's on Debian). */
const SYSTEM_DIRECTORIES = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  mount: "mount or util-linux",
  umount: "mount or util-linux",
  pivot_root: "util-linux",
};

/**
 * Finds the programs that containers are put together with.
 *
 * @throws LabSetupError that names each missing program and the package it comes in
 */
export function findSandboxTools(path: string | undefined): SandboxTools {
  const missing: string[] = [];
  const find = (name: string): string => {
    const found = findProgram(name, path);
    if (found === undefined) missing.push(`${name} (package ${PACKAGES[name] ?? "coreutils"})`);
    return found ?? "";
  };
  const tools: Omit<SandboxTools, "leash"> = {
    sh: find("sh"),
    unshare: find("unshare"),
    mount: find("mount"),
    umount: find("umount"),
    pivotRoot: find("pivot_root"),
    rmdir: find("rmdir"),
    cp: find("cp"),
  };
  const setpriv = findProgram("setpriv", path);
  if (missing.length > 0) {
    throw new LabSetupError(
      `the lab gives every container private mounts and needs programs that are not installed here: ${missing.join(", ")}`,
    );
  }
  return { ...tools, leash: leash(setpriv), ...(setpriv === undefined ? {} : { setpriv }) };
}

/**
 * What to write before a command line, so that the kernel ends the command with the one who started it, even when that one
 * is killed and can tidy up nothing: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
 *
 * @param setpriv where the program is; Busybox's cannot do it, and then as without any there are no words
 */
export function leash(setpriv: string | undefined): string[] {
  if (setpriv === undefined) return [];
  const words = [setpriv, "--pdeathsig", "KILL"];
  return spawnSync(setpriv, [...words.slice(1), setpriv, "--version"], { stdio: "ignore" }).status === 0
    ? words
    : [];
}

/** The first executable of that name on the path, then in the system's directories. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  const directories = (path ?? "").split(delimiter).filter((directory) => directory.startsWith("/"));
  return [...directories, ...SYSTEM_DIRECTORIES]
    .map((directory) => join(directory, name))
    .find((candidate) => isExecutable(candidate));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
