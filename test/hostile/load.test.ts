import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parseUnpackLimits } from "@skein/archive";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTree } from "../../packages/archive/src/testing/read-tree.ts";
import {
  createTestEngine,
  s3Location,
  s3Secrets,
  type TestEngine,
} from "../../packages/artifacts/src/test-support.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { CORPUS } from "./corpus/corpus.ts";
import type { HostileArchive } from "./corpus/hostile-case.ts";
import { type HostileKeys, KEYS } from "./corpus/keys.ts";
import { type Canary, createCanary } from "./support/canary.ts";
import { startHostileStore } from "./support/hostile-store.ts";

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Loads what is at a key to `into`, as a pod would. */
async function load(
  { engine }: TestEngine,
  { into }: Canary,
  key: string,
  more: { archive?: object; endpoint?: string } = {},
): Promise<unknown> {
  const { archive, endpoint = server.endpoint } = more;
  const artifact = { name: "a", s3: s3Location({ ...server, endpoint }, key), ...(archive && { archive }) };
  return await engine.load({ artifact, target: into }).catch((error: unknown) => error);
}

async function tryArchive(
  kind: keyof typeof CORPUS,
  { bytes, outcome, limits }: HostileArchive,
): Promise<void> {
  using canary = createCanary();
  const content = bytes(canary);
  writeFileSync(join(server.root, server.bucket, "hostile"), kind === "tar" ? gzipSync(content) : content);
  const unpackLimits = { ...parseUnpackLimits({}), ...limits };
  await using testEngine = await createTestEngine(s3Secrets(server), { settings: { unpackLimits } });
  const archive = kind === "zip" ? { zip: {} } : { tar: {} };
  const result = await load(testEngine, canary, "hostile", { archive });
  expect(canary.touched(), "outside").toEqual([]);
  if ("refused" in outcome) {
    expect(result).toMatchObject({ name: "ArtifactError", code: outcome.refused });
    // Nothing that looks whole, and nothing that does not.
    expect(readdirSync(canary.around).sort()).toEqual(["into-sibling", "victim"]);
    return;
  }
  if (result instanceof Error) throw result;
  const log = testEngine.records.map(({ msg }) => String(msg)).join("\n");
  if (outcome.skipped) expect(log).toContain("left out of the archive: ");
  else expect(log).not.toContain("left out of the archive: ");
}

describe.each(["tar", "compressed", "zip"] as const)("loading a hostile artifact: %s", (kind) => {
  it.each(CORPUS[kind].map((shape) => [`${shape.advisory}: ${shape.what}`, shape] as const))(
    "%s",
    (_title, shape) => tryArchive(kind, shape),
  );
});

async function tryKeys({ objects, outcome }: HostileKeys): Promise<void> {
  using canary = createCanary();
  await using store = await startHostileStore(objects);
  await using testEngine = await createTestEngine(s3Secrets(server));
  const result = await load(testEngine, canary, "out", { endpoint: store.endpoint });
  expect(canary.touched(), "outside").toEqual([]);
  expect(existsSync("/etc/evil")).toBe(false);
  if ("refused" in outcome) {
    expect(result).toMatchObject({
      name: "ArtifactError",
      code: outcome.refused,
      message: expect.stringMatching(outcome.because),
    });
    expect(readdirSync(canary.around).sort()).toEqual(["into-sibling", "victim"]);
    return;
  }
  if (result instanceof Error) throw result;
  expect(withoutModes(readTree(canary.into))).toEqual(outcome.tree);
}

function withoutModes(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).map(([name, what]) => [name, what.replace(/^(dir|file) \d+( @\S+)?/, "$1")]),
  );
}

describe("loading a directory of hostile keys", () => {
  it.each(KEYS.map((shape) => [`${shape.advisory}: ${shape.what}`, shape] as const))("%s", (_title, shape) =>
    tryKeys(shape),
  );
});

describe("a target that is a trap (CVE-2025-66626, without an archive)", () => {
  const tree = { "tree/a": "1", "tree/d/b": "2" };

  beforeAll(() => {
    mkdirSync(join(server.root, server.bucket, "tree/d"), { recursive: true });
    for (const [key, text] of Object.entries(tree))
      writeFileSync(join(server.root, server.bucket, key), text);
  });

  it("a symbolic link at the target is replaced, and where it leads nothing happens", async () => {
    using canary = createCanary();
    symlinkSync(canary.victim, canary.into);
    await using testEngine = await createTestEngine(s3Secrets(server));
    expect(await load(testEngine, canary, "tree")).not.toBeInstanceOf(Error);
    expect(canary.touched()).toEqual([]);
    expect(withoutModes(readTree(canary.into))).toEqual({ a: 'file "1"', d: "dir", "d/b": 'file "2"' });
  });

  it("a symbolic link where the load is staged is removed, and where it leads nothing happens", async () => {
    using canary = createCanary();
    await using testEngine = await createTestEngine(s3Secrets(server));
    const staged: string[] = [];
    // The name of the staging directory goes by the target alone, so one load betrays it to the next.
    const { engine } = testEngine;
    const watching = setInterval(() => {
      staged.push(...readdirSync(canary.around).filter((name) => name.startsWith(".skein-")));
    }, 0);
    await engine.load({ artifact: { name: "a", s3: s3Location(server, "tree") }, target: canary.into });
    clearInterval(watching);
    const [name] = staged;
    if (name === undefined) throw new Error("the load was too fast to be seen");
    symlinkSync(canary.victim, join(canary.around, name));
    expect(await load(testEngine, canary, "tree")).toBeInstanceOf(Error);
    expect(canary.touched()).toEqual([]);
  });
});
