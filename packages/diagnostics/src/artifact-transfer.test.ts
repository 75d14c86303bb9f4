import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ArtifactTransfer,
  partsOf,
  readTransfer,
  STAGE_NAMES,
  wholeSeconds,
} from "./artifact-transfer.ts";
import { traceOf } from "./testing/parse-documents.ts";
import { createTraceBuilder, type SpanInput } from "./testing/trace-builder.ts";

function transferOf(input: Partial<SpanInput>): ArtifactTransfer {
  const builder = createTraceBuilder("transfer");
  builder.add({ name: "loadArtifact", at: 0, seconds: 2, ...input });
  const trace = traceOf(builder);
  const [span] = trace.spans;
  const transfer = span && readTransfer(trace, span, "wf.node");
  if (!transfer) throw new Error("no transfer was read");
  return transfer;
}

const sum = (stages: ArtifactTransfer["stages"]) =>
  Object.values(stages).reduce((total, value) => total + value, 0);

describe("readTransfer", () => {
  it("reads what the executor wrote", () => {
    const transfer = transferOf({
      name: "saveArtifact",
      attributes: {
        "argo.artifact.name": "source",
        "argo.artifact.driver": "s3",
        "argo.artifact.bytes": 1000,
        "argo.artifact.unpacked_bytes": 4000,
        "argo.artifact.files": 7,
        "argo.artifact.time.network": 1.5,
        "argo.artifact.time.disk": 0.5,
        "argo.artifact.bound_by": "first-byte",
        "argo.artifact.verdict": "server-bound: first byte 800 ms",
        "aws.s3.bucket": "b",
        "aws.s3.key": "k.tgz",
      },
    });
    expect(transfer).toMatchObject({
      name: "source",
      node: "wf.node",
      direction: "save",
      driver: "s3",
      bytes: 1000,
      unpackedBytes: 4000,
      files: 7,
      seconds: 2,
      stages: { network: 1.5, disk: 0.5 },
      boundBy: "first-byte",
      verdict: "server-bound: first byte 800 ms",
      object: "s3://b/k.tgz",
    });
  });

  it("gives what the stages leave of the span's duration to other", () => {
    const { stages } = transferOf({
      attributes: { "argo.artifact.time.network": 1.25, "argo.artifact.time.other": 0.25 },
    });
    expect(stages).toEqual({ network: 1.25, other: 0.75 });
  });

  it("has stages that are positive and sum to the seconds, whatever was measured", () => {
    const measured = fc.dictionary(
      fc.constantFrom(...STAGE_NAMES.map((stage) => `argo.artifact.time.${stage}`)),
      fc.double({ min: -1, max: 100, noNaN: true }),
    );
    fc.assert(
      fc.property(measured, fc.integer({ min: 0, max: 100_000 }), (attributes, milliseconds) => {
        const { stages, seconds } = transferOf({ seconds: milliseconds / 1000, attributes });
        expect(sum(stages)).toBeCloseTo(seconds, 9);
        expect(Object.values(stages).every((value) => value > 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("names an artifact of upstream's executor by its path when it is loaded", () => {
    const transfer = transferOf({ attributes: { path: "/argo/inputs/artifacts/source/" } });
    expect(transfer).toMatchObject({
      name: "source",
      driver: "unknown",
      bytes: 0,
      boundBy: "none",
      stages: { other: 2 },
      object: "",
      verdict: "took 2.00 s; this trace has neither sizes nor stage times",
    });
  });

  it("names an artifact of upstream's executor by the event before it when it is saved", () => {
    const builder = createTraceBuilder("upstream save");
    const event = (file: string, at: number) => ({ name: "upload artifact", at, attributes: { file } });
    const parent = builder.add({
      name: "saveArtifacts",
      at: 0,
      seconds: 3,
      events: [event("first", 0), event("second", 1)],
    });
    builder.add({ name: "saveArtifact", at: 0.01, seconds: 0.9, parent });
    builder.add({ name: "saveArtifact", at: 1.01, seconds: 1, parent });
    const trace = traceOf(builder);
    const names = trace.spans.map((span) => readTransfer(trace, span, "")?.name);
    expect(names).toEqual([undefined, "first", "second"]);
  });

  it("tells why it failed when the executor had no time for a verdict", () => {
    const transfer = transferOf({ error: { type: "s3.no_such_key", message: "no object s3://b/k" } });
    expect(transfer.error).toEqual({ type: "s3.no_such_key", message: "no object s3://b/k" });
    expect(transfer.verdict).toBe("failed after 2.00 s: s3.no_such_key: no object s3://b/k");
  });

  it("judges by the longest stage when there is no verdict", () => {
    const { verdict } = transferOf({
      attributes: {
        "argo.artifact.bytes": 10_000_000,
        "argo.artifact.files": 1204,
        "argo.artifact.streams": 2,
        "argo.artifact.time.decompress": 1.5,
        "argo.artifact.time.network": 0.5,
        "argo.artifact.bound_by": "decompress",
      },
    });
    expect(verdict).toBe(
      "decompress-bound: 75 % of 2.00 s spent decompressing (5.00 MB/s, 2 streams, 1 204 files)",
    );
  });

  it("takes a word it does not know for none", () => {
    expect(transferOf({ attributes: { "argo.artifact.bound_by": "gremlins" } }).boundBy).toBe("none");
  });

  it("makes no verdict of the few milliseconds in which main packed something small", () => {
    const attributes = { "argo.artifact.packing.duration": 0.0085, "argo.artifact.verdict": "done in 12 ms" };
    const small = transferOf({ name: "saveArtifact", seconds: 0.012, attributes });
    expect(small).toMatchObject({ packingSeconds: 0.0085, boundBy: "none", verdict: "done in 12 ms" });
  });

  it("counts what main had packed before there was anything to upload, and says so where it is most of it", () => {
    const attributes = {
      "argo.artifact.name": "dist",
      "argo.artifact.unpacked_bytes": 60_000_000,
      "argo.artifact.time.network": 1.5,
      "argo.artifact.bound_by": "network",
      "argo.artifact.verdict": "network-bound: 1 stream at 10 MB/s",
    };
    const packed = (seconds: number, more = {}) =>
      transferOf({
        name: "saveArtifact",
        attributes: { ...attributes, ...more, "argo.artifact.packing.duration": seconds },
      });
    expect(packed(6)).toMatchObject({
      seconds: 2,
      packingSeconds: 6,
      stages: { network: 1.5, other: 0.5 },
      boundBy: "packing",
      verdict:
        "packing-bound: main packed it at 10.0 MB/s in 6.00 s, and only then it was uploaded in 2.00 s (network-bound: 1 stream at 10 MB/s)",
    });
    expect(packed(6, { "argo.artifact.verdict": "done in 2000 ms" }).verdict).toMatch(/uploaded in 2\.00 s$/);
    expect([wholeSeconds(packed(6)), partsOf(packed(6))]).toEqual([
      8,
      { packing: 6, network: 1.5, other: 0.5 },
    ]);
    expect(packed(0.5)).toMatchObject({
      seconds: 2,
      packingSeconds: 0.5,
      stages: { network: 1.5, other: 0.5 },
      boundBy: "network",
      verdict: "network-bound: 1 stream at 10 MB/s",
    });
  });

  it("knows a repository by its URL and branch", () => {
    const attributes = {
      "vcs.repository.url.full": "https://git/x.git",
      "vcs.ref.head.name": "main",
      "vcs.ref.head.revision": "9fce",
    };
    expect(transferOf({ attributes }).object).toBe("https://git/x.git@main");
  });

  it("tells files of one path on two hosts apart", () => {
    const of = (host: string) =>
      transferOf({
        attributes: {
          "argo.artifact.driver": "http",
          "argo.artifact.key": "/data.tgz",
          "server.address": host,
        },
      }).object;
    expect([of("a.example"), of("b.example")]).toEqual([
      "http://a.example/data.tgz",
      "http://b.example/data.tgz",
    ]);
  });

  it("is not to be had of other spans", () => {
    const builder = createTraceBuilder("other");
    builder.add({ name: "loadArtifacts", at: 0, seconds: 1 });
    const trace = traceOf(builder);
    expect(trace.spans.map((span) => readTransfer(trace, span, ""))).toEqual([undefined]);
  });
});
