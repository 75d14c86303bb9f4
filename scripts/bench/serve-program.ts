import { spawn } from "node:child_process";
import { once } from "node:events";

/** A program that serves until it is told to end. */
export interface Serving extends AsyncDisposable {
  /** `127.0.0.1:port`, which it has printed. */
  endpoint: string;
}

/** Starts a program that prints the address it listens on and ends when its standard input does. */
export async function serve(program: string, args: readonly string[]): Promise<Serving> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  const line = once(child.stdout, "data") as Promise<[Buffer]>;
  const first = await Promise.race([line, ended.then(() => undefined)]);
  if (first === undefined) throw new Error(`${program} did not start`);
  return {
    endpoint: first[0].toString().trim(),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
