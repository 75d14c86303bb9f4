import { describe, expect, it } from "vitest";
import type { ArtifactTransfer } from "./artifact-transfer.ts";
import { compareTransfers } from "./compare-transfers.ts";

function transfer(facts: Partial<ArtifactTransfer>): ArtifactTransfer {
  return {
    name: "source",
    node: "wf.a",
    direction: "load",
    driver: "s3",
    bytes: 10_000_000,
    unpackedBytes: 40_000_000,
    files: 12,
    seconds: 1,
    stages: { network: 1 },
    boundBy: "network",
    verdict: "network-bound: 1 stream at 10.0 MB/s",
    object: "s3://b/source.tgz",
    archive: "tar",
    streams: 1,
    retries: 0,
    startedAt: "2026-01-15T09:30:00.000Z",
    traceId: "t",
    spanId: "s",
    ...facts,
  };
}

const save = (facts: Partial<ArtifactTransfer>) =>
  transfer({
    direction: "save",
    verdict: "compress-bound: packed at 40 MB/s",
    boundBy: "compress",
    ...facts,
  });

const answerTo = (...transfers: ArtifactTransfer[]) =>
  compareTransfers(transfers).map((comparison) => comparison.answer);

describe("compareTransfers", () => {
  it("sets the saves of an object before its loads, and names it by all its names", () => {
    const load = transfer({ name: "code", seconds: 3 });
    const [comparison, ...more] = compareTransfers([load, save({ seconds: 1.5 })]);
    expect(more).toEqual([]);
    expect(comparison).toMatchObject({
      object: "s3://b/source.tgz",
      names: ["source", "code"],
      loadPerSave: 2,
    });
    expect(comparison?.transfers.map(({ direction }) => direction)).toEqual(["save", "load"]);
  });

  it("says how much longer loading took, and into which stages the difference went", () => {
    const load = transfer({ seconds: 6, stages: { network: 4, decompress: 1.5, disk: 0.5 } });
    const saved = save({ seconds: 2, stages: { network: 0.5, compress: 0.5, disk: 1 } });
    expect(answerTo(saved, load)).toEqual([
      "Loading took 3.0× as long as saving (6.00 s against 2.00 s): it spent 3.50 s more on the network (1.67 MB/s; saving moved 5.00 MB/s) and 1.00 s more decompressing. Network-bound: 1 stream at 10.0 MB/s.",
    ]);
  });

  it("takes packing in main for the counterpart of unpacking", () => {
    const packed = save({
      seconds: 1,
      packingSeconds: 8,
      stages: { network: 1 },
      verdict: "packing-bound: main packed it",
    });
    const load = transfer({ seconds: 3, stages: { decompress: 2, network: 1 } });
    expect(answerTo(packed, load)).toEqual([
      "Saving took 3.0× as long as loading (9.00 s against 3.00 s): it spent 6.00 s more packing in main. Packing-bound: main packed it.",
    ]);
    expect(answerTo(packed, transfer({ seconds: 18, stages: { decompress: 9, network: 9 } }))).toEqual([
      "Loading took 2.0× as long as saving (18.0 s against 9.00 s): it spent 8.00 s more on the network (0.56 MB/s; saving moved 10.0 MB/s). Network-bound: 1 stream at 10.0 MB/s.",
    ]);
  });

  it("says so when it was the saving that took longer", () => {
    const saved = save({ seconds: 3, stages: { compress: 2.5, network: 0.5 } });
    const load = transfer({ seconds: 1, stages: { network: 0.5, decompress: 0.5 } });
    expect(answerTo(saved, load)).toEqual([
      "Saving took 3.0× as long as loading (3.00 s against 1.00 s): it spent 2.00 s more compressing. Compress-bound: packed at 40 MB/s.",
    ]);
  });

  it("compares the slowest of several loads", () => {
    const loads = [2, 4, 3].map((seconds) =>
      transfer({ seconds, stages: { disk: seconds }, verdict: "disk-bound" }),
    );
    expect(answerTo(save({ seconds: 2, stages: { disk: 2 } }), ...loads)[0]).toMatch(
      "Loading took 2.0× as long as saving (4.00 s, the slowest of 3 loads, against 2.00 s): it spent 2.00 s more on the disk.",
    );
  });

  it("makes nothing of a small difference, nor of very short transfers", () => {
    expect(answerTo(save({ seconds: 2 }), transfer({ seconds: 2.3 }))).toEqual([
      "Loading and saving took about as long (2.30 s against 2.00 s). Loading: network-bound: 1 stream at 10.0 MB/s.",
    ]);
    expect(answerTo(save({ seconds: 0.002 }), transfer({ seconds: 0.03 }))).toEqual([
      "Under 50 ms both ways: nothing to gain here.",
    ]);
  });

  it("names no stage when none explains the difference", () => {
    const load = transfer({ seconds: 3, stages: { other: 3 }, verdict: "no stage stands out" });
    expect(answerTo(save({ seconds: 1, stages: { other: 1 } }), load)).toEqual([
      "Loading took 3.0× as long as saving (3.00 s against 1.00 s). No stage stands out.",
    ]);
  });

  it("lets the verdict speak for what was moved one way only", () => {
    expect(answerTo(transfer({}))).toEqual(["Network-bound: 1 stream at 10.0 MB/s."]);
  });

  it("tells of a failed load and compares nothing with it", () => {
    const failed = transfer({
      error: { type: "s3.no_such_key", message: "gone" },
      verdict: "retry-bound: 2 retries",
    });
    const [comparison] = compareTransfers([save({}), failed]);
    expect(comparison?.loadPerSave).toBeUndefined();
    expect(comparison?.answer).toBe(
      "Loading source failed after 1.00 s: s3.no_such_key: gone. Compress-bound: packed at 40 MB/s.",
    );
  });

  it("compares nothing that has no known place", () => {
    const unknown = { object: "", boundBy: "none" as const };
    const comparisons = compareTransfers([
      transfer({ ...unknown, spanId: "1" }),
      save({ ...unknown, spanId: "2" }),
    ]);
    expect(comparisons).toHaveLength(2);
  });
});
