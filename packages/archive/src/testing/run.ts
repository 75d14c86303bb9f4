import { spawnSync } from "node:child_process";

/** Runs a program that has to succeed without a word on its standard error, and gives what it wrote. */
export function run(program: string, args: readonly string[], input?: Buffer): Buffer {
  const { stdout, stderr, status, error } = spawnSync(program, args, { input, maxBuffer: 2 ** 28 });
  if (error !== undefined) throw error;
  if (status === 0 && stderr.length === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}`);
}
