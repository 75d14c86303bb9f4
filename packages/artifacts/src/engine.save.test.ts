import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../test/support/command.ts";
import { type S3Server, startS3Server } from "../../../test/support/s3-server.ts";
import type { SaveSource } from "./engine.ts";
import {
  createTestEngine,
  patternedBytes,
  s3Location,
  s3Secrets,
  secretsOf,
  type TemporaryDirectory,
  temporaryDirectory,
} from "./test-support.ts";

const LARGE = patternedBytes(3_000_000);
const isLarge = (bytes: Buffer): boolean => LARGE.equals(bytes);

let server: S3Server;
let work: TemporaryDirectory;

beforeAll(async () => {
  server = await startS3Server();
  work = await temporaryDirectory();
  await mkdir(join(work.path, "tree/deep"), { recursive: true });
  await mkdir(join(work.path, "tree/hollow"));
  await writeFile(join(work.path, "tree/a.txt"), "a");
  await writeFile(join(work.path, "tree/deep/b.bin"), LARGE);
  await writeFile(join(work.path, "tree/zero"), "");
  await symlink("a.txt", join(work.path, "tree/link"));
  // What the emissary leaves on the shared volume (contract §7.4).
  for (const name of ["tree", "tree/deep/b.bin"]) {
    const [directory, base] = name === "tree" ? ["", "tree"] : ["tree/deep", "b.bin"];
    const tgz = join(work.path, `${base}.tgz`);
    await runCommand("tar", ["--sort=name", "-czf", tgz, "-C", join(work.path, directory), base]);
  }
});

afterAll(async () => {
  await work[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const object = (key: string): string => join(server.root, server.bucket, key);

async function save(key: string, source: SaveSource, archive?: Artifact["archive"]) {
  await using staging = await temporaryDirectory();
  await using test = await createTestEngine(s3Secrets(server), {
    settings: { stagingDirectory: staging.path },
  });
  const artifact: Artifact = { name: "result", s3: s3Location(server, key), ...(archive && { archive }) };
  const report = await test.engine.save({ artifact, source });
  expect(await readdir(staging.path)).toEqual([]);
  return { ...test, report };
}

const inWork = (name: string): SaveSource => ({ kind: "path", path: join(work.path, name) });
const packed = (name: string): SaveSource => ({
  kind: "packed",
  tgz: join(work.path, `${name}.tgz`),
  basename: name,
});

/** What GNU tar finds in an object. */
async function listed(key: string): Promise<string[]> {
  return (await runCommand("tar", ["-tzf", object(key)])).trim().split("\n");
}

describe("a path", () => {
  it("is packed as a tar on its way", async () => {
    const { report, spans, records } = await save("path/tree.tgz", inWork("tree"));
    expect((await listed("path/tree.tgz")).map((name) => name.replace(/\/$/, ""))).toEqual([
      ...["tree", "tree/a.txt", "tree/deep", "tree/deep/b.bin", "tree/hollow", "tree/link", "tree/zero"],
    ]);
    const sha256 = createHash("sha256")
      .update(await readFile(object("path/tree.tgz")))
      .digest("hex");
    expect(report).toMatchObject({
      files: 3,
      unpackedBytes: LARGE.byteLength + 1,
      bytes: (await stat(object("path/tree.tgz"))).size,
      digest: `sha256:${sha256}`,
    });
    const [archive, saving] = spans;
    expect(archive).toMatchObject({
      name: "archiveArtifact",
      parentSpanId: saving?.spanId,
      attributes: { archive: "tar" },
    });
    expect(saving).toMatchObject({
      name: "saveArtifact",
      attributes: {
        "argo.artifact.key": "path/tree.tgz",
        "argo.artifact.archive": "tar",
        "argo.artifact.files": 3,
        "argo.artifact.digest": `sha256:${sha256}`,
      },
    });
    expect(saving?.events.map((event) => event.attributes.file)).toEqual([
      ...["tree/a.txt", "tree/deep/b.bin", "tree/zero"],
    ]);
    expect(records).toMatchObject([
      { msg: expect.stringMatching(/^Saved artifact result to s3: 3\.0 MB, 3 files/) },
    ]);
  });

  it("is a zip, when the artifact says so", async () => {
    await save("path/tree.zip", inWork("tree"), { zip: {} });
    const names = await runCommand("python3", ["-m", "zipfile", "-l", object("path/tree.zip")]);
    expect(names).toMatch(/tree\/deep\/b\.bin +\S+ \S+ +3000000/);
  });

  it("is one object for a file, and many for a directory, without an archive", async () => {
    const file = await save("path/b.bin", inWork("tree/deep/b.bin"), { none: {} });
    expect(await readFile(object("path/b.bin"))).toSatisfy(isLarge);
    expect(file.report).toMatchObject({ files: 1, bytes: LARGE.byteLength });
    const directory = await save("path/tree", inWork("tree"), { none: {} });
    expect(await readFile(object("path/tree/deep/b.bin"))).toSatisfy(isLarge);
    expect(await readFile(object("path/tree/a.txt"), "utf8")).toBe("a");
    expect(directory.report.files).toBe(3);
    expect(directory.records).toMatchObject([
      { level: "WARN", msg: "left out what an object store cannot hold: link (symbolic link)" },
      { level: "INFO" },
    ]);
  });

  it("can be followed when it is a link", async () => {
    await save("path/link", inWork("tree/link"), { none: {} });
    expect(await readFile(object("path/link"), "utf8")).toBe("a");
  });

  it("comes back as it was", async () => {
    await save("round/trip.tgz", inWork("tree"));
    await using test = await createTestEngine(s3Secrets(server));
    await using directory = await temporaryDirectory();
    const target = join(directory.path, "back");
    await test.engine.load({ artifact: { name: "x", s3: s3Location(server, "round/trip.tgz") }, target });
    await runCommand("diff", ["-r", "--no-dereference", join(work.path, "tree"), target]);
  });

  it.each<[string, string, Artifact["archive"], string]>([
    ["that does not exist", "nowhere", undefined, "file.not_found"],
    ["that does not exist, as it is", "nowhere", { none: {} }, "file.not_found"],
    ["packed at a level there is not", "tree", { tar: { compressionLevel: 12 } }, "template.invalid"],
  ])("%s is an error, and no object", async (_what, name, archive, code) => {
    await expect(save(`failed/${name}`, inWork(name), archive)).rejects.toMatchObject({ code });
    await expect(stat(object(`failed/${name}`))).rejects.toThrow("ENOENT");
  });
});

describe("what the emissary packed", () => {
  it("is sent as it is", async () => {
    const contents = { files: 3, unpackedBytes: 3_000_001 };
    const source = { ...packed("tree"), contents: { ...contents, packingSeconds: 1.5 } } as SaveSource;
    const { report, spans } = await save("packed/tree.tgz", source);
    const own = spans.find(({ name }) => name === "saveArtifact");
    expect(own?.attributes).toMatchObject({ "argo.artifact.packing.duration": 1.5 });
    const [sent, local] = await Promise.all([
      readFile(object("packed/tree.tgz")),
      readFile(join(work.path, "tree.tgz")),
    ]);
    expect(sent.equals(local)).toBe(true);
    expect(report).toMatchObject({ bytes: local.byteLength, ...contents });
  });

  it("is a file straight out of the archive", async () => {
    const { report, spans } = await save("packed/b.bin", packed("b.bin"), { none: {} });
    expect(await readFile(object("packed/b.bin"))).toSatisfy(isLarge);
    expect(report).toMatchObject({ files: 1, bytes: LARGE.byteLength, unpackedBytes: LARGE.byteLength });
    expect(spans.map(({ name }) => name)).toEqual(["archiveArtifact", "saveArtifact"]);
  });

  it("is a directory straight out of the archive", async () => {
    const { report, records } = await save("packed/tree", packed("tree"), { none: {} });
    expect(await readFile(object("packed/tree/deep/b.bin"))).toSatisfy(isLarge);
    expect(await readFile(object("packed/tree/a.txt"), "utf8")).toBe("a");
    expect((await stat(object("packed/tree/zero"))).size).toBe(0);
    expect((await stat(object("packed/tree/hollow"))).isDirectory()).toBe(true);
    expect(report).toMatchObject({ files: 3, bytes: LARGE.byteLength + 1 });
    expect(records[0]).toMatchObject({ msg: expect.stringContaining("link (symbolic link)") });
  });

  it("becomes a zip", async () => {
    await save("packed/tree.zip", packed("tree"), { zip: {} });
    const names = await runCommand("python3", ["-m", "zipfile", "-l", object("packed/tree.zip")]);
    expect(names).toMatch(/tree\/a\.txt/);
  });

  it("cannot put objects anywhere else, whatever main made of it", async () => {
    const tgz = join(work.path, "forged.tgz");
    const rename = ["-P", "--transform", "s,^tree/a.txt,tree/../../stolen,"];
    await runCommand("tar", [...rename, "-czf", tgz, "--sort=name", "-C", work.path, "tree"]);
    const source: SaveSource = { kind: "packed", tgz, basename: "tree" };
    await expect(save("forged/dir/tree", source, { none: {} })).rejects.toMatchObject({
      code: "archive.path_escape",
    });
    await expect(stat(object("forged/stolen"))).rejects.toThrow("ENOENT");
    await expect(stat(object("stolen"))).rejects.toThrow("ENOENT");
  });

  it("is missed by name", async () => {
    await expect(save("packed/none.tgz", packed("none"))).rejects.toMatchObject({
      code: "file.not_found",
      message: expect.stringContaining("none.tgz"),
    });
  });
});

describe("logs", () => {
  it("are sent as they are, whatever the artifact says", async () => {
    await writeFile(join(work.path, "combined"), "line\n");
    await save("logs/main.log", { kind: "file", path: join(work.path, "combined") }, { zip: {} });
    expect(await readFile(object("logs/main.log"), "utf8")).toBe("line\n");
  });
});

describe("where artifacts cannot be saved", () => {
  it.each<[Artifact, SaveSource["kind"], Artifact["archive"], string]>([
    [{ name: "x", raw: { data: "" } }, "path", undefined, "Raw output artifacts unsupported"],
    [{ name: "x", git: { repo: "https://h/r" } }, "path", undefined, "git output artifacts unsupported"],
    [{ name: "x", git: { repo: "https://h/r" } }, "path", { none: {} }, "git output artifacts unsupported"],
    [
      { name: "x", http: { url: "http://127.0.0.1:1/" } },
      "path",
      { none: {} },
      "cannot save a directory to http file by file",
    ],
  ])("%j says so", async (artifact, _kind, archive, message) => {
    await using test = await createTestEngine(secretsOf({}));
    const saving = test.engine.save({
      artifact: { ...artifact, ...(archive && { archive }) },
      source: inWork("tree"),
    });
    await expect(saving).rejects.toMatchObject({ message, code: "artifact.unsupported_operation" });
  });
});
