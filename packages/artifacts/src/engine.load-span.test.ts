import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LARGE, type StoreOfArtifacts, startStoreOfArtifacts } from "./load-test-support.ts";
import { createTestEngine, s3Secrets, temporaryDirectory } from "./test-support.ts";

let store: StoreOfArtifacts;

beforeAll(async () => {
  store = await startStoreOfArtifacts();
});

afterAll(() => store[Symbol.asyncDispose]());

describe("the span of a load", () => {
  it("is no failure when the artifact is optional and not there", async () => {
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(store.server));
    const artifact = { ...store.artifact("nowhere.tgz"), optional: true };
    const loading = test.engine.load({ artifact, target: join(directory.path, "x") });
    await expect(loading).rejects.toMatchObject({ code: "s3.no_such_key" });
    const span = test.spans.find(({ name }) => name === "loadArtifact");
    expect(span?.isError).toBe(false);
    expect(span?.attributes["argo.artifact.verdict"]).toBe("optional, and not there");
  });

  it("says what was moved, from where, and where the time went", async () => {
    await using directory = await temporaryDirectory();
    const { report, spans, records, target } = await store.loadInto(directory, store.artifact("tree.tgz"));
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
        "argo.artifact.bytes": store.tgz.tree.byteLength,
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
    await using test = await createTestEngine(s3Secrets(store.server), { level: "phases" });
    await test.engine.load({ artifact: store.artifact("tree.tgz"), target: join(directory.path, "x") });
    expect(test.spans.find(({ name }) => name === "loadArtifact")?.events).toEqual([]);
  });
});
