import { mkdirSync, writeFileSync } from "node:fs";
import type { Artifact, Template } from "@skein/contract";
import { type BenchParts, type BenchPod, createBenchPod, type Figures } from "./pod.ts";

export interface StoreAccess {
  endpoint: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
}

export interface Bench {
  parts: BenchParts;
  store: StoreAccess;
  /** Where the store keeps its bucket: an object is the file of that name. */
  objects: string;
  /** `slow-link`, for lines that are longer or narrower than loopback. */
  slowLink: string;
  /** Runs of a case that takes less than a second, and of one that takes longer. */
  runs: { short: number; long: number };
  /** By how much less than usual is moved. */
  shrink: number;
  say(line: string): void;
}

/**
 * One stream, one request, one artifact at a time, and one thread for reading and compressing beside the one that
 * JavaScript runs on: what Skein would be without parallelism. See docs/configuration.md.
 */
export const ONE_AT_A_TIME: Readonly<Record<string, string>> = {
  SKEIN_S3_RANGES: "1",
  ARTIFACT_S3_UPLOAD_THREADS: "1",
  SKEIN_TRANSFER_REQUESTS: "1",
  SKEIN_TRANSFER_ARTIFACTS: "1",
  SKEIN_COMPRESS_THREADS: "1",
  UV_THREADPOOL_SIZE: "1",
};

/** Often enough for transfers of a second, and a hundredth of a core. */
export const LOOK_EVERY_MS = 20;

/** A pod's template whose artifacts lie in the bench's store, or in what `endpoint` names. */
export function templateWith(
  bench: Bench,
  artifacts: { inputs?: Artifact[]; outputs?: Artifact[] },
  endpoint = bench.store.endpoint,
): Template {
  return {
    name: "bench",
    inputs: { artifacts: artifacts.inputs ?? [] },
    outputs: { artifacts: artifacts.outputs ?? [] },
    container: {
      image: "bench",
      command: ["true"],
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    },
    archiveLocation: {
      s3: {
        endpoint,
        bucket: bench.store.bucket,
        insecure: true,
        accessKeySecret: { name: "s3", key: "accesskey" },
        secretKeySecret: { name: "s3", key: "secretkey" },
        key: "bench/pod",
      },
    },
  };
}

export async function withPod<T>(bench: Bench, work: (pod: BenchPod) => Promise<T>): Promise<T> {
  const pod = createBenchPod(bench.parts, {
    accesskey: bench.store.accessKey,
    secretkey: bench.store.secretKey,
  });
  try {
    return await work(pod);
  } finally {
    pod.remove();
  }
}

/** Runs `work` in a fresh pod as often as asked, after `warmUps` runs that are not counted. */
export async function repeat(
  bench: Bench,
  runs: number,
  work: (pod: BenchPod) => Promise<Figures>,
  warmUps = 1,
): Promise<Figures[]> {
  const counted: Figures[] = [];
  for (let run = 0; run < runs + warmUps; run++) {
    const figures = await withPod(bench, work);
    if (run >= warmUps) counted.push(figures);
  }
  return counted;
}

/** As if the main container had ended well, so that `wait` goes on at once. */
export function finishMain(pod: BenchPod): void {
  mkdirSync(pod.shared("ctr/main"), { recursive: true });
  writeFileSync(pod.shared("ctr/main/exitcode"), "0");
}
