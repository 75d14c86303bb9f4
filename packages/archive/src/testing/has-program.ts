import { spawnSync } from "node:child_process";

/** Whether a program is there to be compared with; tests that need one more than Node, git and tar are skipped without it. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ["--help"]).error === undefined;
}
