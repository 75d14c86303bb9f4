import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseUnpackLimits } from "@skein/archive";
import { type Artifact, isNotFound } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy } from "../../../test/support/fault-proxy.ts";
import { type StoreOfArtifacts, startStoreOfArtifacts, TREE, tree } from "./load-test-support.ts";
import { createTestEngine, s3Secrets, secretsOf, temporaryDirectory } from "./test-support.ts";

let store: StoreOfArtifacts;

beforeAll(async () => {
  store = await startStoreOfArtifacts();
});

afterAll(() => store[Symbol.asyncDispose]());

describe("a load that fails", () => {
  it.each<[string, Partial<Artifact>, string]>([
    ["cut.tgz", {}, "archive.corrupt"],
    ["hostile.tgz", {}, "archive.path_escape"],
    ["plain.gz", { archive: { tar: {} } }, "archive.corrupt"],
    ["plain.gz", { archive: { zip: {} } }, "archive.corrupt"],
    ["nowhere", {}, "s3.no_such_key"],
  ])("because of %s with %j leaves nothing behind", async (key, more, code) => {
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(store.server));
    const target = join(directory.path, "inputs/source");
    const loading = test.engine.load({ artifact: store.artifact(key, more), target });
    await expect(loading).rejects.toMatchObject({ code });
    expect(await tree(directory.path)).toEqual({ inputs: -1 });
    const load = test.spans.find(({ name }) => name === "loadArtifact");
    expect(load).toMatchObject({ isError: true, attributes: { "error.type": code } });
    expect(load?.attributes["argo.artifact.bound_by"]).toBeDefined();
  });

  it("tells whether the artifact may be missing", async () => {
    await using test = await createTestEngine(s3Secrets(store.server));
    await using directory = await temporaryDirectory();
    const target = join(directory.path, "x");
    const missing: unknown = await test.engine
      .load({ artifact: store.artifact("nowhere"), target })
      .catch((error: unknown) => error);
    expect(isNotFound(missing)).toBe(true);
    const elsewhere = store.artifact("x", { at: { bucket: "no-such-bucket" } });
    const noBucket: unknown = await test.engine
      .load({ artifact: elsewhere, target })
      .catch((error: unknown) => error);
    expect(noBucket).toMatchObject({ code: "s3.no_such_bucket" });
    expect(isNotFound(noBucket)).toBe(false);
  });

  it("because of the operator's limits says how to raise them", async () => {
    await using directory = await temporaryDirectory();
    const unpackLimits = parseUnpackLimits({ SKEIN_UNPACK_MAX_ENTRIES: "2" });
    await using test = await createTestEngine(s3Secrets(store.server), { settings: { unpackLimits } });
    const loading = test.engine.load({
      artifact: store.artifact("tree.tgz"),
      target: join(directory.path, "x"),
    });
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
    await using test = await createTestEngine(s3Secrets(store.server));
    const target = join(directory.path, "theirs");
    await mkdir(target);
    await writeFile(join(target, "precious"), "x");
    const artifact = store.artifact("tree.tgz");
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
    await using proxy = await startFaultProxy(store.server.endpoint, () => {
      setImmediate(() => controller.abort(new Error("deadline")));
      return { type: "stall", afterBytes: 1000 };
    });
    await using test = await createTestEngine(s3Secrets(store.server), { signal: controller.signal });
    const artifact = store.artifact("tree.tgz", { at: { endpoint: proxy.endpoint } });
    const loading = test.engine.load({ artifact, target: join(directory.path, "x") });
    await expect(loading).rejects.toThrow("deadline");
    expect(await readdir(directory.path)).toEqual([]);
  });
});
