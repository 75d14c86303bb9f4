import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { parseUnpackLimits } from "@skein/archive";
import { type Artifact, isNotFound, type S3Location } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../test/support/command.ts";
import { startFaultProxy } from "../../../test/support/fault-proxy.ts";
import { createGitRepository } from "../../../test/support/git-repository.ts";
import { type S3Server, startS3Server } from "../../../test/support/s3-server.ts";
import {
  connectorTo,
  createTestEngine,
  observedTransfer,
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
let tgz: Record<"file" | "tree" | "hostile", Buffer>;
let zip: Buffer;

beforeAll(async () => {
  server = await startS3Server();
  await using work = await temporaryDirectory();
  await mkdir(join(work.path, "tree/deep"), { recursive: true });
  await mkdir(join(work.path, "tree/hollow"));
  await writeFile(join(work.path, "tree/a.txt"), "a");
  await writeFile(join(work.path, "tree/deep/b.bin"), LARGE);
  const tar = async (...args: string[]): Promise<Buffer> => {
    await runCommand("tar", ["--sort=name", "-czf", "out.tgz", ...args], { cwd: work.path });
    return readFile(join(work.path, "out.tgz"));
  };
  tgz = {
    file: await tar("-C", "tree/deep", "b.bin"),
    tree: await tar("tree"),
    hostile: await tar("-P", "--transform", "s,^tree/a.txt,../../evil,", "tree/deep", "tree/a.txt"),
  };
  await runCommand("python3", ["-m", "zipfile", "-c", "out.zip", "tree"], { cwd: work.path });
  zip = await readFile(join(work.path, "out.zip"));
  await using connector = connectorTo(server);
  const { transfer } = observedTransfer();
  const store = await connector.connect(s3Location(server, ""), transfer);
  const put = (key: string, body: Buffer): Promise<void> =>
    store.put(key, body, { signal: transfer.signal, contentType: "x" });
  await put("file.tgz", tgz.file);
  await put("tree.tgz", tgz.tree);
  await put("hostile.tgz", tgz.hostile);
  await put("cut.tgz", tgz.tree.subarray(0, 1_000_000));
  await put("tree.tar", gunzipSync(tgz.tree));
  await put("tree.tar.zst", zstdCompressSync(gunzipSync(tgz.tree)));
  await put("tree.zip", zip);
  await put("plain.gz", gzipSync("not a tar"));
  await put("dir/x", Buffer.from("x"));
  await put("dir/y/z", LARGE);
});

afterAll(() => server[Symbol.asyncDispose]());

function s3Artifact(key: string, more: Partial<Artifact> & { at?: Partial<S3Location> } = {}): Artifact {
  const { at, ...rest } = more;
  return { name: "source", s3: s3Location(server, key, at), ...rest };
}

/** What is below a directory, with the sizes of files. */
async function tree(path: string): Promise<Record<string, number>> {
  const names = await readdir(path, { recursive: true });
  const sizes = names.map(async (name) => {
    const facts = await stat(join(path, name));
    return [name, facts.isDirectory() ? -1 : facts.size] as const;
  });
  return Object.fromEntries((await Promise.all(sizes)).sort());
}

const TREE = { "a.txt": 1, deep: -1, "deep/b.bin": LARGE.byteLength, hollow: -1 };

async function loadInto(directory: TemporaryDirectory, artifact: Artifact, secrets = s3Secrets(server)) {
  await using test = await createTestEngine(secrets);
  const target = join(directory.path, "inputs/source");
  const report = await test.engine.load({ artifact, target });
  return { ...test, target, report };
}

describe("what is loaded", () => {
  it.each<[string, Partial<Artifact>, "tar" | "none" | "zip", number]>([
    ["tree.tgz", {}, "tar", 2],
    ["tree.tgz", { archive: { tar: {} } }, "tar", 2],
    ["tree.zip", { archive: { zip: {} } }, "zip", 2],
  ])("is a directory from %s with %j", async (key, more, archive, files) => {
    await using directory = await temporaryDirectory();
    const { target, report, spans } = await loadInto(directory, s3Artifact(key, more));
    expect(await tree(target)).toEqual(TREE);
    expect(await readFile(join(target, "deep/b.bin"))).toSatisfy(isLarge);
    expect(await readdir(join(directory.path, "inputs"))).toEqual(["source"]);
    expect(report).toMatchObject({ files, unpackedBytes: LARGE.byteLength + 1, driver: "s3", key });
    expect(spans.find(({ name }) => name === "unarchiveArtifact")?.attributes).toEqual({ archive });
  });

  it.each(["tree.tar", "tree.tar.zst"])(
    "is a directory from %s where it is declared a tar, and a file where nothing is",
    async (key) => {
      await using directory = await temporaryDirectory();
      const declared = await loadInto(directory, s3Artifact(key, { archive: { tar: {} } }));
      expect(await tree(declared.target)).toEqual(TREE);
      await using other = await temporaryDirectory();
      const undeclared = await loadInto(other, s3Artifact(key));
      expect((await stat(undeclared.target)).isFile()).toBe(true);
    },
  );

  it("is the file of an archive that holds nothing else", async () => {
    await using directory = await temporaryDirectory();
    const { target } = await loadInto(directory, s3Artifact("file.tgz"));
    expect(await readFile(target)).toSatisfy(isLarge);
  });

  it("stays as it is, when it is not a packed tar or must not be unpacked", async () => {
    await using directory = await temporaryDirectory();
    const unpacked = await loadInto(directory, s3Artifact("file.tgz", { archive: { none: {} } }));
    expect((await readFile(unpacked.target)).equals(tgz.file)).toBe(true);
    const plain = await loadInto(directory, s3Artifact("plain.gz"));
    expect(await readFile(plain.target)).toEqual(gzipSync("not a tar"));
    expect((await stat(plain.target)).mode & 0o444).toBe(0o444); // main may run as anybody
  });

  it("is every object below the key", async () => {
    await using directory = await temporaryDirectory();
    const { target, report } = await loadInto(directory, s3Artifact("dir"));
    expect(await tree(target)).toEqual({ x: 1, y: -1, "y/z": LARGE.byteLength });
    expect(report.files).toBe(2);
  });

  it("is a repository, with its .git", async () => {
    await using directory = await temporaryDirectory();
    await using repository = await createGitRepository();
    const commit = await repository.commit("one", { "only.txt": "text" });
    const { target, report, spans } = await loadInto(directory, {
      name: "code",
      git: { repo: repository.path },
    });
    expect(await readdir(target)).toEqual([".git", "only.txt"]);
    expect(report).toMatchObject({ driver: "git", files: 1, unpackedBytes: 4 });
    expect(report.bytes).toBeGreaterThan(0);
    expect(spans.find(({ name }) => name === "loadArtifact")?.attributes).toMatchObject({
      "vcs.repository.url.full": repository.path,
      "vcs.ref.head.revision": commit,
      "vcs.ref.head.name": "main",
      "argo.artifact.archive": "none",
    });
  });

  it("is the text of a raw artifact", async () => {
    await using directory = await temporaryDirectory();
    const { target } = await loadInto(directory, { name: "raw", raw: { data: "h\u00e9llo\n" } });
    expect(await readFile(target, "utf8")).toBe("h\u00e9llo\n");
  });
});

describe("the span of a load", () => {
  it("is no failure when the artifact is optional and not there", async () => {
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(server));
    const artifact = { ...s3Artifact("nowhere.tgz"), optional: true };
    const loading = test.engine.load({ artifact, target: join(directory.path, "x") });
    await expect(loading).rejects.toMatchObject({ code: "s3.no_such_key" });
    const span = test.spans.find(({ name }) => name === "loadArtifact");
    expect(span?.isError).toBe(false);
    expect(span?.attributes["argo.artifact.verdict"]).toBe("optional, and not there");
  });

  it("says what was moved, from where, and where the time went", async () => {
    await using directory = await temporaryDirectory();
    const { report, spans, records, target } = await loadInto(directory, s3Artifact("tree.tgz"));
    const [unarchive, load] = spans;
    expect(load).toMatchObject({
      name: "loadArtifact",
      isError: false,
      attributes: {
        path: target,
        "argo.artifact.name": "source",
        "argo.artifact.driver": "s3",
        "argo.artifact.key": "tree.tgz",
        "argo.artifact.archive": "tar",
        "argo.artifact.bytes": tgz.tree.byteLength,
        "argo.artifact.unpacked_bytes": LARGE.byteLength + 1,
        "argo.artifact.files": 2,
        "argo.artifact.retries": 0,
        "aws.s3.bucket": "artifacts",
        "aws.s3.key": "tree.tgz",
        "server.address": "127.0.0.1",
      },
    });
    expect(unarchive).toMatchObject({ name: "unarchiveArtifact", parentSpanId: load?.spanId });
    const times = Object.entries(load?.attributes ?? {}).filter(([key]) =>
      key.startsWith("argo.artifact.time."),
    );
    expect(times.every(([, seconds]) => Number(seconds) > 0)).toBe(true); // a stage without time is left out
    const sum = times.reduce((total, [, seconds]) => total + Number(seconds), 0);
    expect(sum).toBeCloseTo(report.seconds, 6);
    // Within 5 % where there is something to measure: test/faults/verdicts.test.ts.
    expect(Math.abs(sum - (load?.seconds ?? 0))).toBeLessThan(0.1);
    expect(load?.events.map((event) => [event.name, event.attributes])).toMatchObject([
      ["download file", { file: "tree/a.txt", "file.size": 1, "argo.file.offset": 0 }],
      ["download file", { file: "tree/deep/b.bin", "file.size": LARGE.byteLength, "argo.file.offset": 1 }],
    ]);
    expect(records).toMatchObject([
      {
        msg: expect.stringMatching(/^Loaded artifact source from s3: \d\.\d MB, 2 files \(3\.0 MB\), /),
        files: 2,
      },
    ]);
  });

  it("has no file events at level phases", async () => {
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(server), { level: "phases" });
    await test.engine.load({ artifact: s3Artifact("tree.tgz"), target: join(directory.path, "x") });
    expect(test.spans.find(({ name }) => name === "loadArtifact")?.events).toEqual([]);
  });
});

describe("a load that fails", () => {
  it.each<[string, Partial<Artifact>, string]>([
    ["cut.tgz", {}, "archive.corrupt"],
    ["hostile.tgz", {}, "archive.path_escape"],
    ["plain.gz", { archive: { tar: {} } }, "archive.corrupt"],
    ["plain.gz", { archive: { zip: {} } }, "archive.corrupt"],
    ["nowhere", {}, "s3.no_such_key"],
  ])("because of %s with %j leaves nothing behind", async (key, more, code) => {
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(server));
    const target = join(directory.path, "inputs/source");
    const loading = test.engine.load({ artifact: s3Artifact(key, more), target });
    await expect(loading).rejects.toMatchObject({ code });
    expect(await tree(directory.path)).toEqual({ inputs: -1 });
    const load = test.spans.find(({ name }) => name === "loadArtifact");
    expect(load).toMatchObject({ isError: true, attributes: { "error.type": code } });
    expect(load?.attributes["argo.artifact.bound_by"]).toBeDefined();
  });

  it("tells whether the artifact may be missing", async () => {
    await using test = await createTestEngine(s3Secrets(server));
    await using directory = await temporaryDirectory();
    const target = join(directory.path, "x");
    const missing: unknown = await test.engine
      .load({ artifact: s3Artifact("nowhere"), target })
      .catch((error: unknown) => error);
    expect(isNotFound(missing)).toBe(true);
    const elsewhere = s3Artifact("x", { at: { bucket: "no-such-bucket" } });
    const noBucket: unknown = await test.engine
      .load({ artifact: elsewhere, target })
      .catch((error: unknown) => error);
    expect(noBucket).toMatchObject({ code: "s3.no_such_bucket" });
    expect(isNotFound(noBucket)).toBe(false);
  });

  it("because of the operator's limits says how to raise them", async () => {
    await using directory = await temporaryDirectory();
    const unpackLimits = parseUnpackLimits({ SKEIN_UNPACK_MAX_ENTRIES: "2" });
    await using test = await createTestEngine(s3Secrets(server), { settings: { unpackLimits } });
    const loading = test.engine.load({ artifact: s3Artifact("tree.tgz"), target: join(directory.path, "x") });
    await expect(loading).rejects.toMatchObject({
      code: "archive.limit_exceeded",
      remedy: expect.stringContaining("SKEIN_UNPACK_MAX_ENTRIES"),
    });
  });

  it("says which drivers there are", async () => {
    await using test = await createTestEngine(secretsOf({}));
    const artifact: Artifact = { name: "far", gcs: { bucket: "b", key: "k" } };
    await expect(test.engine.load({ artifact, target: "/nowhere" })).rejects.toMatchObject({
      message: "Unsupported artifact driver for far",
      code: "artifact.unsupported_driver",
    });
  });

  it("does not touch a directory with something in it, unless it may be replaced", async () => {
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(server));
    const target = join(directory.path, "theirs");
    await mkdir(target);
    await writeFile(join(target, "precious"), "x");
    const artifact = s3Artifact("tree.tgz");
    await expect(test.engine.load({ artifact, target })).rejects.toMatchObject({
      code: "artifact.invalid_path",
    });
    expect(await tree(directory.path)).toEqual({ theirs: -1, "theirs/precious": 1 });
    await test.engine.load({ artifact, target, replace: true });
    expect(await tree(target)).toEqual(TREE);
  });

  it("ends at once when the signal says so", async () => {
    await using directory = await temporaryDirectory();
    const controller = new AbortController();
    await using proxy = await startFaultProxy(server.endpoint, () => {
      setImmediate(() => controller.abort(new Error("deadline")));
      return { type: "stall", afterBytes: 1000 };
    });
    await using test = await createTestEngine(s3Secrets(server), { signal: controller.signal });
    const artifact = s3Artifact("tree.tgz", { at: { endpoint: proxy.endpoint } });
    const loading = test.engine.load({ artifact, target: join(directory.path, "x") });
    await expect(loading).rejects.toThrow("deadline");
    expect(await readdir(directory.path)).toEqual([]);
  });
});

/** What `loadArtifact` calls the files beside a target. */
function stagingName(target: string): string {
  return `.skein-${createHash("sha256").update(target).digest("hex").slice(0, 16)}`;
}

describe("beginning again", () => {
  it("clears away what a run that was killed has left", async () => {
    await using directory = await temporaryDirectory();
    const left = join(directory.path, "inputs", stagingName(join(directory.path, "inputs/source")));
    await mkdir(`${left}.tmpdir/half`, { recursive: true });
    await writeFile(`${left}.tmp`, "half");
    const { target } = await loadInto(directory, s3Artifact("tree.tgz"));
    expect(await tree(target)).toEqual(TREE);
    expect(await readdir(join(directory.path, "inputs"))).toEqual(["source"]);
  });

  it("removes nothing of the user's, whatever it is called", async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, "inputs/source.tmpdir/mine"), { recursive: true });
    await writeFile(join(directory.path, "inputs/source.tmp"), "mine");
    await loadInto(directory, s3Artifact("tree.tgz"));
    expect((await readdir(join(directory.path, "inputs"))).sort()).toEqual([
      "source",
      "source.tmp",
      "source.tmpdir",
    ]);
  });

  it("happens when a download broke that cannot be continued", async () => {
    let answers = 0;
    const http = createServer((_request, response) => {
      response.writeHead(200, { "content-length": tgz.tree.byteLength });
      if (answers++ === 0) response.write(tgz.tree.subarray(0, 2_000_000), () => response.destroy());
      else response.end(tgz.tree);
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    await using directory = await temporaryDirectory();
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/tree.tgz`;
    const { target, report, spans } = await loadInto(directory, { name: "web", http: { url } });
    expect(await tree(target)).toEqual(TREE);
    expect(report).toMatchObject({ files: 2, unpackedBytes: LARGE.byteLength + 1, retries: 1 });
    const load = spans.find(({ name }) => name === "loadArtifact");
    expect(load?.events.find(({ name }) => name === "retry")?.attributes).toMatchObject({
      "error.type": "transfer.interrupted",
      "argo.retry.attempt": 1,
    });
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  it("happens when the object was replaced while it was read", async () => {
    let refused = false;
    await using proxy = await startFaultProxy(server.endpoint, (request) => {
      if (refused || !request.ifMatch) return undefined;
      refused = true;
      return { type: "answer", status: 412, code: "PreconditionFailed" };
    });
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(server), { settings: { rangeBytes: 1_000_000 } });
    const artifact = s3Artifact("tree.tgz", { at: { endpoint: proxy.endpoint } });
    const target = join(directory.path, "x");
    const report = await test.engine.load({ artifact, target });
    expect(await tree(target)).toEqual(TREE);
    expect(report).toMatchObject({ files: 2, retries: 1 });
  });
});

describe("several artifacts", () => {
  it("move at the same time, within one budget", async () => {
    await using directory = await temporaryDirectory();
    let open = 0;
    let most = 0;
    await using proxy = await startFaultProxy(server.endpoint, () => {
      most = Math.max(most, ++open);
      setTimeout(() => open--, 100);
      return { type: "delay", ms: 100 };
    });
    const settings = { memoryBytes: 3_000_000, rangeBytes: 1_000_000, artifacts: 4 };
    await using test = await createTestEngine(s3Secrets(server), { settings });
    const loads = Array.from({ length: 6 }, (_, index) => {
      const artifact = s3Artifact("tree.tgz", { name: `n${index}`, at: { endpoint: proxy.endpoint } });
      return test.engine.load({ artifact, target: join(directory.path, `n${index}`) });
    });
    await Promise.all(loads);
    for (let index = 0; index < 6; index++) {
      expect(await tree(join(directory.path, `n${index}`))).toEqual(TREE);
    }
    expect(most).toBeGreaterThan(1);
    expect((await readdir(directory.path)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
