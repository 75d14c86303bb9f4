import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { settleExtraction } from "./settle-extraction.ts";
import { readTree, type Tree } from "./testing/read-tree.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

type Place = (...parts: string[]) => string;

/** Settles what `extracted` makes over what `existing` makes; gives what is left in the common parent. */
async function settle(
  extracted: (at: Place) => void,
  existing: (at: Place) => void = () => undefined,
): Promise<Tree> {
  using directory = temporaryDirectory();
  mkdirSync(directory.join("t.tmpdir"));
  extracted((...parts) => directory.join("t.tmpdir", ...parts));
  existing(directory.join);
  await settleExtraction(directory.join("t.tmpdir"), directory.join("t"));
  expect(readdirSync(directory.path)).not.toContain("t.tmpdir");
  return readTree(directory.path);
}

const oneFile = (at: Place): void => writeFileSync(at("whatever"), "new");
const oneDirectory = (at: Place): void => {
  mkdirSync(at("d"));
  writeFileSync(at("d", "f"), "new");
};
const two = (at: Place): void => {
  writeFileSync(at("a"), "new");
  mkdirSync(at("b"));
};

describe("settleExtraction (contract §13.1)", () => {
  it("makes the only file the target, whatever its name was", async () => {
    expect(Object.keys(await settle(oneFile))).toEqual(["t"]);
  });

  it("makes the only directory the target", async () => {
    expect(Object.keys(await settle(oneDirectory))).toEqual(["t", "t/f"]);
  });

  it("makes the only link the target, without following it", async () => {
    const tree = await settle((at) => symlinkSync("nowhere", at("l")));
    expect(tree).toEqual({ t: "link -> nowhere" });
  });

  it("takes a name that is not UTF-8", async () => {
    const tree = await settle((at) => writeFileSync(Buffer.from(`${at()}/caf\xe9`, "latin1"), "new"));
    expect(Object.keys(tree)).toEqual(["t"]);
  });

  it("makes the directory itself the target when it holds several entries, or none", async () => {
    expect(Object.keys(await settle(two))).toEqual(["t", "t/a", "t/b"]);
    expect(Object.keys(await settle(() => undefined))).toEqual(["t"]);
  });

  it.each([
    ["a file", oneFile, ["t"]],
    ["a directory", oneDirectory, ["t", "t/f"]],
    ["several", two, ["t", "t/a", "t/b"]],
  ])("replaces a file, a link and an empty directory by %s", async (_what, extracted, names) => {
    const old = [
      (at: Place) => writeFileSync(at("t"), "old"),
      (at: Place) => symlinkSync("/etc", at("t")),
      (at: Place) => mkdirSync(at("t")),
    ];
    for (const existing of old) {
      const tree = await settle(extracted, existing);
      expect(Object.keys(tree)).toEqual(names);
      expect(JSON.stringify(tree)).not.toContain("old");
    }
  });

  it.each([
    ["a file", oneFile],
    ["a directory", oneDirectory],
    ["several", two],
  ])(
    "does not put %s over a directory with something in it, and leaves that alone",
    async (_what, extracted) => {
      using directory = temporaryDirectory();
      mkdirSync(directory.join("x"));
      extracted((...parts) => directory.join("x", ...parts));
      mkdirSync(directory.join("t"));
      writeFileSync(directory.join("t", "mine"), "mine");
      await expect(settleExtraction(directory.join("x"), directory.join("t"))).rejects.toMatchObject({
        code: "artifact.invalid_path",
        message: expect.stringContaining("there is a directory with something in it"),
      });
      expect(readTree(directory.join("t")).mine).toContain("mine");
    },
  );

  it("names the target when the disk refuses", async () => {
    using directory = temporaryDirectory();
    await expect(settleExtraction(directory.join("gone"), directory.join("t"))).rejects.toMatchObject({
      code: "disk.failed",
      message: `cannot move what was unpacked to ${directory.join("t")}: no such file or directory`,
    });
    expect(existsSync(directory.join("t"))).toBe(false);
  });
});
