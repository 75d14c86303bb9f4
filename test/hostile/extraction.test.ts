import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decompressTar, type ExtractReport, extractTar, extractZip } from "@skein/archive";
import { describe, expect, it } from "vitest";
import { readTree } from "../../packages/archive/src/testing/read-tree.ts";
import { chunked } from "../../packages/archive/src/testing/streams.ts";
import { temporaryDirectory } from "../../packages/archive/src/testing/temporary-directory.ts";
import { CORPUS } from "./corpus/corpus.ts";
import type { HostileArchive } from "./corpus/hostile-case.ts";
import { type Canary, createCanary } from "./support/canary.ts";

type Extract = (shape: HostileArchive, canary: Canary) => Promise<ExtractReport>;

/** In chunks of an odd length, as a network brings them. */
const CHUNK_BYTES = 1000;

const extractPlain: Extract = ({ bytes, limits }, canary) =>
  extractTar(chunked(bytes(canary), CHUNK_BYTES), { into: canary.into, ...(limits && { limits }) });

const extractCompressed: Extract = ({ bytes, limits }, canary) =>
  extractTar(decompressTar(chunked(bytes(canary), CHUNK_BYTES)), {
    into: canary.into,
    ...(limits && { limits }),
  });

const extractZipFile: Extract = async ({ bytes, limits }, canary) => {
  using elsewhere = temporaryDirectory();
  writeFileSync(join(elsewhere.path, "a.zip"), bytes(canary));
  return await extractZip(join(elsewhere.path, "a.zip"), { into: canary.into, ...(limits && { limits }) });
};

async function try_(extract: Extract, shape: HostileArchive): Promise<void> {
  using canary = createCanary();
  const { outcome } = shape;
  const result = await extract(shape, canary).catch((error: unknown) => error);
  expect(canary.touched(), "outside").toEqual([]);
  if ("refused" in outcome) {
    expect(result).toMatchObject({
      name: "ArtifactError",
      code: outcome.refused,
      message: expect.stringMatching(outcome.because),
    });
    return;
  }
  const wanted = typeof outcome.tree === "function" ? outcome.tree(canary) : outcome.tree;
  if (result instanceof Error) throw result;
  expect(withoutTimes(readTree(canary.into), wanted)).toEqual(wanted);
  const { skipped, skippedEntries } = result as ExtractReport;
  expect(skipped.map(({ path }) => path)).toEqual(outcome.skipped ?? []);
  expect(skippedEntries).toBe(outcome.skipped?.length ?? 0);
}

/** Zips do not restore times, so their cases name none. */
function withoutTimes(tree: Record<string, string>, wanted: Record<string, string>): Record<string, string> {
  for (const [name, what] of Object.entries(tree)) {
    if (wanted[name]?.startsWith("file") && !wanted[name].includes("@"))
      tree[name] = what.replace(/^(file \d+) @\S+/, "$1");
  }
  return tree;
}

describe.each([
  ["tar", CORPUS.tar, extractPlain],
  ["compressed tar", CORPUS.compressed, extractCompressed],
  ["zip", CORPUS.zip, extractZipFile],
] as const)("hostile %s", (_kind, shapes, extract) => {
  it("has every shape once", () => {
    const titles = shapes.map(({ advisory, what }) => `${advisory}: ${what}`);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });

  it.each(shapes.map((shape) => [`${shape.advisory}: ${shape.what}`, shape] as const))(
    "%s",
    (_title, shape) => try_(extract, shape),
  );
});

describe("the place itself", () => {
  it("is not unpacked into when it is there and not empty (CVE-2025-45582: two archives, one after the other)", async () => {
    using canary = createCanary();
    const [linkOutside] = CORPUS.tar.filter(
      ({ what }) => what === "a file twice, the later one shorter: nothing of the earlier stays",
    );
    if (linkOutside === undefined) throw new Error("the corpus has lost a case");
    await extractPlain(linkOutside, canary);
    await expect(extractPlain(linkOutside, canary)).rejects.toMatchObject({ code: "disk.failed" });
    expect(canary.touched()).toEqual([]);
    expect(existsSync(canary.into)).toBe(true);
  });
});
