/**
 * A program of the tests: `node loaded-modules.fixture.ts ROOT COMMAND…` runs the command below ROOT, then prints the
 * modules that were loaded for it, one a line, and ends with its exit code.
 */
import { registerHooks } from "node:module";
import { createPaths } from "@skein/contract";

const [root = "", ...argv] = process.argv.slice(2);
const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    loaded.add(url);
    return nextLoad(url, context);
  },
});
const { run } = await import("./run.ts");
const exitCode = await run({
  argv,
  env: process.env,
  paths: createPaths(root),
  umask: 0o022,
  terminal: { columns: 100, color: false },
  stdout: () => {},
  stderr: (text) => process.stderr.write(text),
  setEnv: () => {},
  onTermination: () => {},
  crashed: new Promise<never>(() => {}),
});
for (const url of loaded) process.stdout.write(`${url}\n`);
process.exit(exitCode);
