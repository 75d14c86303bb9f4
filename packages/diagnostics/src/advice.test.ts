import { describe, expect, it } from "vitest";
import { adviseOn } from "./advice.ts";
import type { ArtifactTransfer } from "./artifact-transfer.ts";
import type { StepReport } from "./step-report.ts";

function newTransfer(facts: Partial<ArtifactTransfer>): ArtifactTransfer {
  return {
    name: "model",
    node: "train",
    direction: "load",
    driver: "s3",
    bytes: 4e9,
    unpackedBytes: 4e9,
    files: 1,
    seconds: 40,
    stages: {},
    boundBy: "none",
    verdict: "",
    object: "",
    archive: "tar",
    streams: 4,
    retries: 0,
    startedAt: "",
    traceId: "",
    spanId: "",
    ...facts,
  };
}

function newStep(facts: Partial<StepReport>): StepReport {
  return {
    node: "train",
    label: "train",
    nodeId: "n",
    traceId: "",
    podName: "",
    template: "",
    phase: "Succeeded",
    startedAt: "",
    seconds: 100,
    pendingSeconds: 0,
    initSeconds: 0,
    mainSeconds: 0,
    afterMainSeconds: 0,
    ...facts,
  };
}

const first = (facts: Partial<ArtifactTransfer>) => adviseOn([newTransfer(facts)], [])[0];

describe("adviseOn", () => {
  it.each<[string, Partial<ArtifactTransfer>, RegExp, RegExp]>([
    [
      "few streams",
      { boundBy: "network", stages: { network: 39 } },
      /^raise SKEIN_S3_RANGES and, by 8 MiB for each more, SKEIN_TRANSFER_MEMORY_MIB \(at most 4 requests/,
      /4\.00 GB at 100 MB\/s: 25\.0 MB\/s for each/,
    ],
    [
      "few streams to a file's place",
      { boundBy: "network", archive: "none", streams: 8, stages: { network: 39 } },
      /^raise SKEIN_S3_RANGES \(at most 8 requests/,
      /4\.00 GB at 100 MB\/s: 12\.5 MB\/s for each/,
    ],
    [
      "one stream",
      { boundBy: "network", streams: 1, stages: { network: 39 } },
      /^raise SKEIN_S3_RANGES \(at most 1 request was/,
      /4\.00 GB at 100 MB\/s/,
    ],
    [
      "few parts",
      { boundBy: "network", direction: "save", stages: { network: 39 } },
      /^raise ARTIFACT_S3_UPLOAD_THREADS/,
      /4\.00 GB/,
    ],
    [
      "a long history",
      { boundBy: "network", driver: "git", stages: { network: 39 } },
      /depth: 1/,
      /4\.00 GB fetched/,
    ],
    [
      "what hardly shrinks",
      { boundBy: "compress", direction: "save", bytes: 3.96e9, stages: { compress: 38 } },
      /^use archive: none, /,
      /99 % of 4\.00 GB remained; packed at 100 MB\/s/,
    ],
    [
      "a slow compression",
      { boundBy: "compress", direction: "save", bytes: 1e9, stages: { compress: 38 } },
      /compressionLevel: 1, or give wait/,
      /packed at 100 MB\/s, 38\.0 s of 40\.0 s/,
    ],
    [
      "a slow decompression",
      { boundBy: "decompress", bytes: 1e9, stages: { decompress: 38 } },
      /^give init \(or supervisor\) more CPU/,
      /unpacked at/,
    ],
    [
      "many objects",
      { boundBy: "small-files", archive: "none", files: 41_203, unpackedBytes: 4e7 },
      /^41 203 files: archive them where they are saved \(archive: tar\)/,
      /41 203 files of 971 B on average at 1 030 a second/,
    ],
    [
      "many files in an archive",
      { boundBy: "small-files", files: 41_203, unpackedBytes: 4e7 },
      /fewer, larger files/,
      /4 at a time/,
    ],
    [
      "a slow store",
      { boundBy: "first-byte", stages: { first_byte: 30, list: 5 } },
      /look at the store/,
      /35\.0 s of 40\.0 s/,
    ],
    [
      "a slow disk",
      { boundBy: "disk", stages: { disk: 39 } },
      /faster volume/,
      /4\.00 GB written at 100 MB\/s/,
    ],
    [
      "a throttling store",
      { boundBy: "throttled", retries: 30, stages: { retry_wait: 20 } },
      /lower SKEIN_TRANSFER_REQUESTS/,
      /30 retries, 20\.0 s waited/,
    ],
    [
      "a stalling network",
      { boundBy: "stalled", verdict: "stalled: connections delivered nothing for 30 s" },
      /network between node and store/,
      /30 s/,
    ],
    [
      "a failing store",
      { boundBy: "retries", retries: 3, stages: { retry_wait: 20 } },
      /store's errors/,
      /3 retries/,
    ],
    ["slow credentials", { stages: { credentials: 20 } }, /credentials/, /20\.0 s of 40\.0 s/],
  ])("says what to change about %s, with the numbers", (_what, facts, change, because) => {
    expect(first(facts)).toMatchObject({
      change: expect.stringMatching(change),
      because: expect.stringMatching(because),
      where: "train › model",
      count: 1,
    });
  });

  it("says nothing where nothing stands out, or too little time is at stake", () => {
    expect(
      adviseOn([newTransfer({}), newTransfer({ boundBy: "disk", seconds: 0.5, stages: { disk: 0.4 } })], []),
    ).toEqual([]);
  });

  it("does not advise more streams for an object that fits the ones it had", () => {
    expect(first({ boundBy: "network", bytes: 3e7, stages: { network: 30 } })).toBeUndefined();
  });

  it("joins the same advice, with the worst case's numbers, the costliest advice first", () => {
    const slow = (node: string, seconds: number) =>
      newTransfer({ node, seconds, boundBy: "disk", stages: { disk: seconds } });
    const advice = adviseOn(
      [slow("a", 10), slow("b", 30), newTransfer({ boundBy: "decompress", stages: { decompress: 35 } })],
      [],
    );
    expect(advice.map(({ where, seconds, count }) => [where, seconds, count])).toEqual([
      ["b › model", 40, 2],
      ["train › model", 35, 1],
    ]);
  });

  it("names what is loaded over and over", () => {
    const loads = ["a", "b", "c"].map((node) => newTransfer({ node, object: "s3://b/model" }));
    expect(adviseOn(loads, [])).toMatchObject([
      { because: "s3://b/model was loaded 3 times, 2 m 00 s in all: 3.0× the slowest load", seconds: 80 },
    ]);
  });

  it("names what main packed by itself, and says where it would be packed on the way", () => {
    const packed = [
      { path: "/tmp/small", bytes: 1e6, seconds: 0.2 },
      { path: "/tmp/large", bytes: 4e9, seconds: 40 },
    ];
    expect(adviseOn([], [newStep({ packed }), newStep({ packed: [] })])).toMatchObject([
      {
        change: expect.stringMatching(/^save large outputs from a volume/),
        because: "/tmp/large: 4.00 GB packed by main in 40.0 s, the longest of 2 outputs",
        seconds: 40.2,
        where: "train",
        count: 1,
      },
    ]);
  });

  it("says on how many cores was packed where that is known", () => {
    const facts = { boundBy: "compress", direction: "save", bytes: 1e9, stages: { compress: 38 } } as const;
    expect(first({ ...facts, cores: 1 })?.because).toMatch(/^packed at 100 MB\/s on 1 core, /);
  });

  it("looks at what a pod was pending for", () => {
    const steps = [
      newStep({ pendingSeconds: 60, pendingReason: "Unschedulable" }),
      newStep({ pendingSeconds: 5 }),
    ];
    expect(adviseOn([], steps)).toMatchObject([
      { where: "train", because: "pending for 60.0 s of 1 m 40 s, Unschedulable", count: 1 },
    ]);
  });
});
