/**
 * `make demo`: makes a git repository, serves it with git's own HTTP server, and runs examples/ci-checkout.yaml on it
 * with the command anybody would use. What is printed is that command's output.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join, relative } from "node:path";
import { demoFiles } from "../test/support/demo-repository.ts";
import { createGitRepository } from "../test/support/git-repository.ts";
import { startGitServer } from "../test/support/git-server.ts";

const checkout = dirname(import.meta.dirname);
const examples = join(checkout, "examples");

await using repository = await createGitRepository();
const files = demoFiles(examples);
await repository.commit("Spin the first threads", Object.fromEntries(Object.entries(files).slice(0, 200)));
await repository.commit("Weave the rest", files);
await using server = await startGitServer(repository.path);

const command = [
  join(checkout, "dist/skein/skein.mjs"),
  "run",
  join(examples, "ci-checkout.yaml"),
  "-p",
  `repo=${server.url}/.git`,
  "--out",
  join(checkout, "out/demo"),
];
const shown = command.map((word) => (word.startsWith(checkout) ? relative(checkout, word) : word));
process.stderr.write(
  `${Object.keys(files).length} files in a repository at ${server.url}/.git\n$ ${shown.join(" ")}\n\n`,
);

// The terminal sends Ctrl-C to both; the command stops its pods, and this program waits for it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
const child = spawn(process.execPath, command, { stdio: "inherit" });
const [exitCode] = (await once(child, "exit")) as [number | null];
process.exitCode = exitCode ?? 1;
