import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { packTar } from "./pack-tar.ts";
import { packZip } from "./pack-zip.ts";
import { SourceTree } from "./source-tree.ts";
import { collect } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

type Directory = ReturnType<typeof temporaryDirectory>;

const SECRET = "what lies outside";

/** `d/sub/f` to be read, and `outside/f`, which must not be. */
function makeTrees(at: Directory): void {
  mkdirSync(at.join("d/sub/deep"), { recursive: true });
  mkdirSync(at.join("outside/deep"), { recursive: true });
  for (const place of ["", "deep/"]) {
    writeFileSync(at.join(`d/sub/${place}f`), "what lies inside");
    writeFileSync(at.join(`outside/${place}f`), SECRET);
  }
}

function swapForLink(at: Directory): void {
  renameSync(at.join("d/sub"), at.join("moved"));
  symlinkSync(at.join("outside"), at.join("d/sub"));
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

describe("a directory that is replaced by a link while it is walked", () => {
  it.each(["entries", "openedEntries"] as const)("is not entered (%s)", (walk) => {
    using at = temporaryDirectory();
    makeTrees(at);
    const before = openDescriptors();
    const tree = new SourceTree(at.join("d"));
    const visit = (): void => {
      for (const { below } of tree[walk]()) if (below === "sub") swapForLink(at);
    };
    expect(visit).toThrow(
      expect.objectContaining({
        code: "archive.source_changed",
        message: `${at.join("d/sub")} was a directory and is none any more: it was replaced while it was being saved`,
      }),
    );
    tree.close();
    expect(openDescriptors()).toBe(before);
  });

  it("once it has been entered, still is the one that it was", async () => {
    using at = temporaryDirectory();
    makeTrees(at);
    const tree = new SourceTree(at.join("d"));
    const read: string[] = [];
    for (const { below, fd } of tree.openedEntries()) {
      if (below === "sub/deep") swapForLink(at);
      if (fd !== undefined) read.push(await readFile(`/proc/self/fd/${fd}`, "utf8"));
    }
    expect(read).toEqual(["what lies inside", "what lies inside"]);
    tree.close();
  });

  it("does not lead a file outside that is opened after the walk", async () => {
    using at = temporaryDirectory();
    makeTrees(at);
    const tree = new SourceTree(at.join("d"));
    const files = [...tree.entries()].filter(({ stats }) => stats.isFile());
    swapForLink(at);
    const read = files.map(async (entry) => {
      const fd = tree.openFile(entry);
      const text = await readFile(`/proc/self/fd/${fd}`, "utf8");
      closeSync(fd);
      return text;
    });
    expect(await Promise.all(read)).toEqual(["what lies inside", "what lies inside"]);
    tree.close();
  });

  it("does not lead one outside either when its handle has been given up in between", () => {
    using at = temporaryDirectory();
    makeTrees(at);
    for (let n = 0; n < 100; n++) mkdirSync(at.join(`d/t${n}`));
    const tree = new SourceTree(at.join("d"));
    const [file] = [...tree.entries()].filter(({ stats }) => stats.isFile());
    swapForLink(at);
    expect(() => file && tree.openFile(file)).toThrow(
      expect.objectContaining({ code: "archive.source_changed" }),
    );
    tree.close();
  });

  it.each([["tar", packTar] as const, ["zip", packZip] as const])(
    "brings nothing from outside into a %s, whenever it happens",
    async (_format, pack) => {
      // Somebody swaps them all the time: each archive is made of what is inside, or an error.
      using at = temporaryDirectory();
      makeTrees(at);
      for (let n = 0; n < 20; n++) writeFileSync(at.join(`d/sub/n${n}`), "n");
      symlinkSync(at.join("outside"), at.join("link"));
      const script = `const { renameSync } = require("node:fs");
        for (;;) for (const [from, to] of [["d/sub", "moved"], ["link", "d/sub"], ["d/sub", "link"], ["moved", "d/sub"]]) renameSync(from, to);`;
      const swapping = spawn(process.execPath, ["-e", script], { cwd: at.path, stdio: "ignore" });
      const ended = once(swapping, "exit");
      try {
        for (let n = 0; n < 100; n++) {
          const packed = await collect(pack(at.join("d"))).catch((error: unknown) => {
            expect(error).toMatchObject({ code: "archive.source_changed" });
            return Buffer.alloc(0);
          });
          expect(packed.includes(SECRET)).toBe(false);
        }
      } finally {
        swapping.kill("SIGKILL");
        await ended;
      }
    },
  );
});

describe("a file that goes away", () => {
  it.each([["tar", packTar] as const, ["zip", packZip] as const])(
    "before a %s has reached it is an error that says so by name, and never `file.not_found`",
    async (_format, pack) => {
      using at = temporaryDirectory();
      mkdirSync(at.join("d"));
      writeFileSync(at.join("d/a"), randomBytes(3_000_000));
      writeFileSync(at.join("d/b"), "x");
      const packing = async (): Promise<void> => {
        for await (const _chunk of pack(at.join("d"))) rmSync(at.join("d/b"), { force: true });
      };
      await expect(packing()).rejects.toMatchObject({
        code: "archive.source_changed",
        message: `${at.join("d/b")} was removed while it was being saved`,
      });
    },
  );
});
