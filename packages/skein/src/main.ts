import { text } from "node:stream/consumers";
import skein from "../package.json" with { type: "json" };
import { runCommandLine } from "./command-line.ts";

// A reader such as `head` that has seen enough is no failure of ours, and does not stop a run.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  version: skein.version,
  directory: import.meta.dirname,
  workingDirectory: process.cwd(),
  readStdin: () => text(process.stdin),
  onSignal: (listener) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, listener);
  },
  exit: (code) => process.exit(code),
});
