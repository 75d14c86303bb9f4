import { execFileSync } from "node:child_process";
import { realpathSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { replaceWithCopy } from "./replace-file.ts";

/**
 * Puts the pinned Node.js into the image's tree, without its symbols where `strip` is at hand: they are a seventh of
 * the file and serve only who debugs V8. Does nothing when the right version is there.
 */
export function placeNode(checkout: string, path: string): void {
  const source = realpathSync(join(checkout, "node_modules/.bin/node"));
  if (versionOf(path) === versionOf(source)) return;
  const candidate = `${path}.candidate`;
  replaceWithCopy(candidate, source);
  try {
    execFileSync("strip", ["--strip-unneeded", candidate], { stdio: "ignore" });
  } catch {
    // No binutils here: the whole file is just as right.
  }
  if (versionOf(candidate) !== versionOf(source)) replaceWithCopy(candidate, source);
  renameSync(candidate, path);
}

/** The licences of Node.js and of what it is made of. */
export function nodeLicence(checkout: string): string {
  return join(dirname(realpathSync(join(checkout, "node_modules/.bin/node"))), "../LICENSE");
}

function versionOf(program: string): string | undefined {
  try {
    return execFileSync(program, ["--version"], { encoding: "utf8" });
  } catch {
    return undefined; // not there, or not a program for this machine
  }
}
