import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { SandboxProcess } from "@skein/lab/testing";
import type { Cluster } from "./cluster.ts";

/**
 * Process id of what a container's process 1 runs just now: an act of the core, or the user's process. (`init` itself
 * is the core.) `undefined` when it runs nothing.
 */
export function childOf({ pid }: SandboxProcess): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
    const [child] = children.join(" ").match(/\d+/) ?? [];
    return child === undefined ? undefined : Number(child);
  } catch {
    return undefined; // it has ended
  }
}

/** Runs a command in a container that runs, as the container's user: what a controller's exec does. */
export function execIn(
  cluster: Cluster,
  { pid }: SandboxProcess,
  argv: readonly string[],
): Promise<{ exitCode: number; output: string }> {
  const { runAsUser } = cluster.securityContext ?? {};
  const user = runAsUser === undefined ? [] : ["--setuid", String(runAsUser), "--setgid", String(runAsUser)];
  const namespaces = process.getuid?.() === 0 ? user : ["--user", "--preserve-credentials"];
  const flags = ["--target", String(pid), "--mount", "--pid", ...namespaces];
  return new Promise((resolve) => {
    execFile("nsenter", [...flags, "--", ...argv], (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? -1) : 0, output: stdout + stderr });
    });
  });
}
