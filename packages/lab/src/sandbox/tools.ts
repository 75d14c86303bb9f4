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
  const tools: SandboxTools = {
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
  return setpriv === undefined ? tools : { ...tools, setpriv };
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
