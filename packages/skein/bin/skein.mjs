#!/usr/bin/env node
// `npx skein` in a checkout: the sources as they are, on the pinned Node, whichever Node npx itself runs on.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const pinned = fileURLToPath(new URL("../../../node_modules/.bin/node", import.meta.url));
if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import("../src/main.ts");
} else if (existsSync(pinned)) {
  // Signals reach the child by the terminal; this process only waits for it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  process.exitCode = spawnSync(pinned, [main, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1;
} else {
  process.stderr.write("skein needs Node 24 or newer; run npm ci in the checkout, which brings it\n");
  process.exitCode = 2;
}
