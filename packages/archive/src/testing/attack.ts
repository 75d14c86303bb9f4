import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { ExtractOptions } from "../unpacker.ts";
import { readTree, type Tree } from "./read-tree.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A place where something can be broken. */
export interface Scene {
  /** Where the attack is unpacked. */
  into: string;
  /** A directory beside it, with files in it, by absolute path; `../victim` from the root of the archive. */
  victim: string;
}

export interface Outcome {
  /** What was thrown, if anything. */
  error: unknown;
  /** What is in the directory afterwards. */
  tree: Tree;
}

/**
 * Unpacks something hostile in a scene, and checks what must hold whatever the outcome: nothing outside the
 * directory is touched, and no link inside leads outside.
 */
export async function attack(
  unpackInto: (scene: Scene, options: ExtractOptions) => Promise<unknown>,
): Promise<Outcome> {
  using parent = temporaryDirectory();
  const scene: Scene = { into: parent.join("into"), victim: parent.join("victim") };
  mkdirSync(scene.victim);
  writeFileSync(parent.join("victim", "secret"), "secret", { mode: 0o600 });
  symlinkSync("secret", parent.join("victim", "link"));
  const before = withoutInto(readTree(parent.path));
  let error: unknown;
  try {
    await unpackInto(scene, { into: scene.into });
  } catch (thrown) {
    error = thrown;
  }
  const after = readTree(parent.path);
  expect(withoutInto(after)).toEqual(before);
  return { error, tree: readTree(scene.into) };
}

function withoutInto(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).filter(([name]) => name !== "into" && !name.startsWith("into/")),
  );
}
