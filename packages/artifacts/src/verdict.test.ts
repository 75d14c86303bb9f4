import { describe, expect, it } from "vitest";
import { STAGE_NAMES, type StageTimes } from "./stage-clock.ts";
import { grouped, judge, type TransferFacts } from "./verdict.ts";

function times(given: Partial<StageTimes>): StageTimes {
  const all = Object.fromEntries(STAGE_NAMES.map((stage) => [stage, 0])) as StageTimes;
  return { ...all, ...given };
}

const FACTS: TransferFacts = {
  direction: "load",
  bytes: 400e6,
  unpackedBytes: 512e6,
  files: 1,
  requestPerFile: false,
  streams: 1,
  retries: 0,
  throttledSeconds: 0,
  stalledSeconds: 0,
};

describe("judge", () => {
  it.each<[string, Partial<StageTimes>, Partial<TransferFacts>, string, string]>([
    ["one slow connection", { network: 4, disk: 0.35 }, {}, "network", "network-bound: 1 stream at 92 MB/s"],
    ["several", { network: 4 }, { streams: 8 }, "network", "network-bound: 8 streams at 100 MB/s"],
    ["unpacking", { decompress: 3, network: 1 }, {}, "decompress", "decompress-bound: unpacked at 128 MB/s"],
    [
      "packing",
      { compress: 20, disk: 1 },
      { direction: "save" },
      "compress",
      "compress-bound: packed at 24 MB/s",
    ],
    [
      "packing on one core",
      { compress: 20, disk: 1 },
      { direction: "save", cores: 1 },
      "compress",
      "compress-bound: packed at 24 MB/s on 1 core",
    ],
    ["the disk", { disk: 2, network: 0.5 }, {}, "disk", "disk-bound: written at 205 MB/s"],
    ["reading", { disk: 2 }, { direction: "save" }, "disk", "disk-bound: read at 256 MB/s"],
    [
      "many small files",
      { disk: 3, decompress: 1 },
      { files: 41_203, unpackedBytes: 80e6 },
      "small-files",
      "small-file-bound: 41 203 files at 10 301 a second",
    ],
    [
      "many small objects",
      { first_byte: 3 },
      { files: 10_000, unpackedBytes: 40e6, requestPerFile: true },
      "small-files",
      "small-file-bound: 10 000 files at 3 333 a second",
    ],
    [
      "a git server that packs many small files into one answer",
      { first_byte: 1.2, network: 0.7, disk: 0.1 },
      { files: 448, bytes: 7e6, unpackedBytes: 10e6, firstByteSeconds: 1.2 },
      "first-byte",
      "server-bound: first byte 1200 ms",
    ],
    [
      "the answer to a few bytes",
      { network: 0.184 },
      { bytes: 512, unpackedBytes: 648, direction: "save" },
      "first-byte",
      "server-bound: 184 ms for an answer",
    ],
    [
      "many small objects that are a few bytes in all",
      { network: 0.37, disk: 0.04 },
      { files: 700, bytes: 2692, unpackedBytes: 2692, requestPerFile: true, direction: "save" },
      "small-files",
      "small-file-bound: 700 files at 1 707 a second",
    ],
    [
      "a few bytes on a busy machine",
      { disk: 0.2 },
      { bytes: 12, unpackedBytes: 12 },
      "none",
      "too small to tell what it waited for",
    ],
    [
      "many files with nothing in them",
      { disk: 0.9, decompress: 0.1 },
      { files: 5000, bytes: 30_000, unpackedBytes: 0 },
      "small-files",
      "small-file-bound: 5 000 files at 5 000 a second",
    ],
    [
      "a server that thinks",
      { first_byte: 0.8, network: 0.1 },
      { firstByteSeconds: 0.8 },
      "first-byte",
      "server-bound: first byte 800 ms",
    ],
    [
      "a server that thinks often",
      { first_byte: 2.9, network: 1 },
      { firstByteSeconds: 0.07 },
      "first-byte",
      "server-bound: 2.9 s waited for answers",
    ],
    ["a slow listing", { list: 2 }, {}, "first-byte", "server-bound: finding out what is there took 2.0 s"],
    [
      "a store that asks for less",
      { retry_wait: 3, network: 1 },
      { retries: 4, throttledSeconds: 3 },
      "throttled",
      "throttled: the server asked for less, 4 retries, 3.0 s waited",
    ],
    ["a bad line", { retry_wait: 3 }, { retries: 1 }, "retries", "retry-bound: 1 retry, 3.0 s waited"],
    [
      "a dead connection",
      { network: 11 },
      { stalledSeconds: 10 },
      "stalled",
      "stalled: connections delivered nothing for 10.0 s",
    ],
    ["a little of everything", { network: 1, disk: 1, decompress: 1 }, {}, "none", "no stage stands out"],
    ["almost nothing", { network: 0.03 }, {}, "none", "done in 30 ms"],
  ])("names %s", (_name, given, facts, boundBy, text) => {
    expect(judge(times(given), { ...FACTS, ...facts })).toEqual({ boundBy, text });
  });
});

describe("grouped", () => {
  it("sets thousands apart", () => {
    expect([0, 999, 1000, 1_234_567].map(grouped)).toEqual(["0", "999", "1 000", "1 234 567"]);
  });
});
