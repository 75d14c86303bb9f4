import { spawnSync } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extractTar } from "./extract-tar.ts";
import { extractZip } from "./extract-zip.ts";
import { gunzip } from "./gunzip.ts";
import { gzip } from "./gzip.ts";
import { packTar } from "./pack-tar.ts";
import { packZip } from "./pack-zip.ts";
import { type Node, treeArbitrary, writeNode } from "./testing/generated-tree.ts";
import { readTree, type Tree } from "./testing/read-tree.ts";
import { chunked, collect } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

/** Writes the tree, sends it through `way`, and compares what comes out with what went in. */
async function survives(
  node: Node,
  way: (source: string, into: string) => Promise<unknown>,
  compare: (tree: Tree) => Tree = (tree) => tree,
): Promise<void> {
  using directory = temporaryDirectory();
  writeNode(Buffer.from(directory.join("tree")), node);
  await way(directory.join("tree"), directory.join("into"));
  expect(compare(readTree(directory.join("into", "tree")))).toEqual(
    compare(readTree(directory.join("tree"))),
  );
}

/** Of a zip: signed seconds of 32 bits. */
function clampTimes(tree: Tree): Tree {
  const clamp = (seconds: string): string => `@${Math.min(Number(seconds), 2 ** 31 - 1)}`;
  return Object.fromEntries(
    Object.entries(tree).map(([name, what]) => [
      name,
      what.replace(/(?<=^file \d+ )@(-?\d+)/, (_, seconds: string) => clamp(seconds)),
    ]),
  );
}

describe("pack, then unpack", () => {
  it("is identity for every tree, through tar and gzip and in chunks of any length", async () => {
    await fc.assert(
      fc.asyncProperty(
        treeArbitrary,
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: -2, max: 9 }),
        (node, chunkBytes, level) =>
          survives(node, async (source, into) => {
            const packed = await collect(gzip(packTar(source), { level }));
            await extractTar(gunzip(chunked(packed, chunkBytes)), { into });
          }),
      ),
      { numRuns: 25 },
    );
  });

  it("is identity for every tree, through zip, for times that its 32 bits can hold", async () => {
    await fc.assert(
      fc.asyncProperty(treeArbitrary, (node) =>
        survives(
          node,
          async (source, into) => {
            await pipeline(packZip(source), createWriteStream(`${into}.zip`));
            await extractZip(`${into}.zip`, { into });
          },
          clampTimes,
        ),
      ),
      { numRuns: 20 },
    );
  });

  it("gives GNU tar the same tree", async () => {
    await fc.assert(
      fc.asyncProperty(treeArbitrary, (node) =>
        survives(node, async (source, into) => {
          mkdirSync(into);
          const packed = await collect(packTar(source));
          const tar = spawnSync("tar", ["xpf", "-", "--warning=no-timestamp", "-C", into], { input: packed });
          expect(tar.stderr.toString()).toBe("");
        }),
      ),
      { numRuns: 10 },
    );
  });

  it.each(["gnu", "pax", "ustar", "v7", "oldgnu"])(
    "takes from GNU tar in %s format what GNU tar would make of it",
    async (format) => {
      await fc.assert(
        fc.asyncProperty(treeArbitrary, (node) =>
          survives(node, async (source, into) => {
            // ustar and v7 cannot hold every name; tar leaves those out, and so must the comparison.
            const tar = spawnSync("tar", [`--format=${format}`, "-cf", "-", "-C", `${source}/..`, "tree"], {
              maxBuffer: 2 ** 28,
            });
            fc.pre(tar.status === 0);
            await extractTar(chunked(tar.stdout), { into });
          }),
        ),
        { numRuns: 4, maxSkipsPerRun: 500 },
      );
    },
  );
});
