import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Artifact } from "@skein/contract";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Node, treeArbitrary, writeNode } from "../packages/archive/src/testing/generated-tree.ts";
import { readTree } from "../packages/archive/src/testing/read-tree.ts";
import {
  createTestEngine,
  s3Location,
  s3Secrets,
  type TestEngine,
} from "../packages/artifacts/src/test-support.ts";
import { type S3Server, startS3Server } from "./support/s3-server.ts";

type Tree = Record<string, string>;

let server: S3Server;
let testEngine: TestEngine;
let round = 0;

beforeAll(async () => {
  server = await startS3Server();
  testEngine = await createTestEngine(s3Secrets(server));
});
afterAll(async () => {
  await testEngine[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Saves a tree as an artifact and loads that again; fast-check prints the seed of a tree that does not survive. */
async function survives(
  node: Node,
  archive: NonNullable<Artifact["archive"]>,
  common: (tree: Tree) => Tree,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skein-round-trip-"));
  try {
    const path = join(directory, "tree");
    writeNode(Buffer.from(path), node);
    const { engine } = testEngine;
    const artifact = { name: "tree", archive, s3: s3Location(server, `round-trip/${round++}`) };
    await engine.save({ artifact, source: { kind: "path", path } });
    await engine.load({ artifact, target: join(directory, "loaded") });
    expect(common(readTree(join(directory, "loaded")))).toEqual(common(readTree(path)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Objects have no modes and no times, and cannot be links; a directory is one as long as it holds something or is empty. */
function asObjects(tree: Tree): Tree {
  const kept = Object.entries(tree).filter(([, what]) => !what.startsWith("link"));
  return Object.fromEntries(
    kept.map(([name, what]) => [name, what.replace(/^dir \d+$/, "dir").replace(/^file \d+ @\S+/, "file")]),
  );
}

/** A zip holds seconds in 32 bits. */
function untilTheYear2038(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([name, what]) => [
      name,
      what.replace(
        /(?<=^file \d+ )@(\d+)/,
        (_, seconds: string) => `@${Math.min(Number(seconds), 2 ** 31 - 1)}`,
      ),
    ]),
  );
}

/** With names that a key can be, and without links: a directory of nothing else would be left out with them. */
function withKeyNames(node: Node): Node {
  if (node.kind !== "directory") return node;
  const children = node.children
    .filter(([name, child]) => isKeyName(name) && child.kind !== "link")
    .map(([name, child]): [Buffer, Node] => [name, withKeyNames(child)]);
  return { ...node, children };
}

function isKeyName(name: Buffer): boolean {
  const text = name.toString("utf8");
  return Buffer.from(text).equals(name) && name.length <= 120 && /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(text);
}

describe("an artifact that is saved and loaded again", () => {
  it.each([
    ["tar", { tar: {} }, (tree: Tree) => tree],
    ["a tar that is not compressed", { tar: { compressionLevel: 0 } }, (tree: Tree) => tree],
    ["zip", { zip: {} }, untilTheYear2038],
  ])("is the same, whatever the tree: %s", async (_name, archive, common) => {
    const property = fc.asyncProperty(treeArbitrary, (node) => survives(node, archive, common));
    await fc.assert(property, { numRuns: 12 });
  });

  it("is the same as objects, but for what objects do not have", async () => {
    const property = fc.asyncProperty(treeArbitrary.map(withKeyNames), (node) =>
      survives(node, { none: {} }, asObjects),
    );
    await fc.assert(property, { numRuns: 12 });
  });
});
