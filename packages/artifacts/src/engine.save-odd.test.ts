import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../test/support/command.ts";
import { type S3Server, startS3Server } from "../../../test/support/s3-server.ts";
import type { SaveSource } from "./engine.ts";
import { createTestEngine, s3Location, s3Secrets, temporaryDirectory } from "./test-support.ts";

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server[Symbol.asyncDispose]());

const object = (key: string): string => join(server.root, server.bucket, key);

async function save(key: string, source: SaveSource, archive: Artifact["archive"], optional = false) {
  await using test = await createTestEngine(s3Secrets(server));
  const artifact: Artifact = {
    name: "result",
    archive: archive ?? {},
    optional,
    s3: s3Location(server, key),
  };
  const report = await test.engine.save({ artifact, source });
  return { ...test, report };
}

const inPath = (path: string): SaveSource => ({ kind: "path", path });

/** A path whose last component has an é of Latin 1, which is no UTF-8. */
const oddPath = (...above: string[]): Buffer => Buffer.from(join(...above, "caf\xe9"), "latin1");

describe("names that are not UTF-8", () => {
  const named = (name: string): object => ({
    code: "archive.unsupported_entry",
    message: `cannot save "${name}" as an object of its own: its name is not UTF-8, and an object's key has to be`,
    remedy: expect.stringContaining("archive strategy tar"),
  });

  it.each([
    ["a file", (path: string) => writeFile(oddPath(path, "d"), "x"), "d/caf\\xe9"],
    [
      "a file in a directory",
      (path: string) => writeFile(Buffer.concat([oddPath(path, "d"), Buffer.from("/f")]), "x"),
      "d/caf\\xe9/f",
    ],
    ["an empty directory", (path: string) => mkdir(oddPath(path, "d")), "d/caf\\xe9"],
  ])("fail %s that is to be an object, by name, and are kept by a tar", async (_what, make, name) => {
    await using work = await temporaryDirectory();
    await mkdir(join(work.path, "out/d"), { recursive: true });
    if (name.endsWith("/f")) await mkdir(oddPath(join(work.path, "out"), "d"));
    await make(join(work.path, "out"));
    // Not even where it may be missing: it is there.
    for (const optional of [false, true]) {
      await expect(
        save("odd/none", inPath(join(work.path, "out")), { none: {} }, optional),
      ).rejects.toMatchObject(named(name));
    }
    await save("odd/out.tgz", inPath(join(work.path, "out")), { tar: {} });
    const listed = await runCommand("tar", ["--quoting-style=escape", "-tzf", object("odd/out.tgz")]);
    expect(listed).toContain("out/d/caf\\351");
  });

  it("fail what the emissary packed as well, instead of being changed", async () => {
    await using work = await temporaryDirectory();
    await mkdir(join(work.path, "out"));
    await writeFile(oddPath(work.path, "out"), "x");
    const tgz = join(work.path, "out.tgz");
    await runCommand("tar", ["-czf", tgz, "-C", work.path, "out"]);
    await expect(
      save("odd/packed", { kind: "packed", tgz, basename: "out" }, { none: {} }),
    ).rejects.toMatchObject(named("caf\\xe9"));
  });
});

describe("a file that says it is empty and is not", () => {
  const TEXT = "/proc/sys/kernel/ostype";
  const LONG = "/proc/kallsyms";

  it("is saved with what it holds", async () => {
    expect(statSync(TEXT).size).toBe(0);
    const { report } = await save("sizeless/text", inPath(TEXT), { none: {} });
    const text = readFileSync(TEXT, "utf8");
    expect(await readFile(object("sizeless/text"), "utf8")).toBe(text);
    expect(report).toMatchObject({ files: 1, unpackedBytes: text.length });
  });

  it("is streamed when it is long", async (context) => {
    const expectedBytes = readFileSync(LONG).byteLength;
    if (expectedBytes < 1_000_000) context.skip(`${LONG} is too short here`);
    const { report } = await save("sizeless/long", inPath(LONG), { none: {} });
    const { size } = await stat(object("sizeless/long"));
    expect(Math.abs(size - expectedBytes)).toBeLessThan(100_000); // modules come and go
    expect(report.unpackedBytes).toBe(size);
  });

  it("is one in a directory as well, whose truly empty files stay empty", async () => {
    // Of the kernel's own, because nobody else may make such a file.
    const { report } = await save("sizeless/dir", inPath("/proc/sys/kernel/random"), { none: {} });
    expect((await readFile(object("sizeless/dir/poolsize"), "utf8")).trim()).toMatch(/^\d+$/);
    expect(report.files).toBe(readdirSync("/proc/sys/kernel/random").length);
    await using work = await temporaryDirectory();
    await writeFile(join(work.path, "empty"), "");
    await save("sizeless/empty", inPath(work.path), { none: {} });
    expect((await stat(object("sizeless/empty/empty"))).size).toBe(0);
  });
});

describe("a directory that becomes a link while it is saved", () => {
  it("is not left for what lies elsewhere", async () => {
    await using work = await temporaryDirectory();
    await mkdir(join(work.path, "out/d"), { recursive: true });
    await mkdir(join(work.path, "secret"));
    await writeFile(join(work.path, "secret/f"), "what lies outside");
    await writeFile(join(work.path, "out/d/f"), "what lies inside");
    await symlink(join(work.path, "secret"), join(work.path, "link"));
    const script = `const { renameSync } = require("node:fs");
      for (;;) for (const [from, to] of [["out/d", "moved"], ["link", "out/d"], ["out/d", "link"], ["moved", "out/d"]]) renameSync(from, to);`;
    const swapping = spawn(process.execPath, ["-e", script], { cwd: work.path, stdio: "ignore" });
    try {
      for (let turn = 0; turn < 50; turn++) {
        const key = `swapped/${turn}`;
        await save(key, inPath(join(work.path, "out")), { none: {} }).catch((error: unknown) => {
          expect(error).toMatchObject({ code: "archive.source_changed" });
        });
        const saved = await readFile(object(`${key}/d/f`), "utf8").catch(() => undefined);
        expect([undefined, "what lies inside"]).toContain(saved);
      }
    } finally {
      swapping.kill("SIGKILL");
      await new Promise((resolve) => swapping.once("exit", resolve));
    }
  });
});
