import { writeSync } from "node:fs";
import { createPaths, errorMessage } from "@skein/contract";
import { CrashError } from "./ending.ts";
import type { Host } from "./host.ts";
import { run } from "./run.ts";

// Files that other containers write, whatever their uid, must not lose bits to our mask (contract §6 step 4).
const umask = process.umask(0);

const crashed = new Promise<never>((_resolve, reject) => {
  const crash = (error: unknown): void => reject(new CrashError(errorMessage(error), { cause: error }));
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
});
// Whoever races against it handles it; without this line a crash after the race would be one more.
crashed.catch(() => {});

const host: Host = {
  argv: process.argv.slice(2),
  env: process.env,
  setEnv: (name, value) => {
    process.env[name] = value;
  },
  paths: createPaths(),
  umask,
  terminal: {
    columns: process.stdout.columns ?? 100,
    color: process.stdout.isTTY && !process.env.NO_COLOR,
  },
  stdout: (text) => writeAll(1, text),
  stderr: (text) => writeAll(2, text),
  onTermination: (listener) => {
    process.on("SIGTERM", listener);
    process.on("SIGINT", listener);
  },
  crashed,
};

// Whatever is still open when the command has ended is of no use any more.
void run(host).then((exitCode) => process.exit(exitCode));

/** Synchronous, so that nothing said is lost at exit; a pipe that is full is waited for. */
function writeAll(descriptor: number, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return; // nobody listens
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
