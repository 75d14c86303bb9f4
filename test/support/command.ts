import { spawn } from "node:child_process";

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs a program to its end. Rejects with what it printed when it fails. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { cwd, env } = options;
    const child = spawn(program, args, { cwd, env: { PATH: process.env.PATH, ...env } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ${args.join(" ")} exited with ${code}: ${output}`));
    });
  });
}
