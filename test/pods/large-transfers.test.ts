import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault, SeenRequest } from "../support/fault-proxy.ts";
import { type Cluster, startCluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodFilesystem, PodRequest } from "../support/pods/pod-request.ts";

/** What becomes of transfers of many ranges or parts when their container is told to stop in the middle. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  cluster.putObject("large/tree.tgz", largeArchive());
  cluster.putObject("large/file", LARGE);
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose]());

const MIB = 1024 * 1024;
const LARGE = randomBytes(24 * MIB);

/** 24 files of a mebibyte, which gzip cannot make smaller. */
function largeArchive(): Buffer {
  const work = mkdtempSync(join(tmpdir(), "skein-large-"));
  try {
    for (let at = 0; at < 24; at++) {
      writeFileSync(join(work, `f${at + 10}`), LARGE.subarray(at * MIB, (at + 1) * MIB));
    }
    return execFileSync("tar", ["--sort=name", "-czf", "-", "-C", work, "."], { maxBuffer: 64 * MIB });
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 3000) throw new Error(`never came true: ${condition}`);
    await delay(10);
  }
}

/** Lets so many requests through, then one by one says that it is reached and stalls. */
function stallAfter(
  requests: number,
  isCounted: (request: SeenRequest) => boolean,
): { fault: (request: SeenRequest) => Fault | undefined; reached: () => boolean; heal: () => void } {
  let seen = 0;
  let isHealed = false;
  return {
    reached: () => seen > requests,
    heal: () => {
      isHealed = true;
    },
    fault: (request) =>
      isCounted(request) && ++seen > requests && !isHealed ? { type: "stall", afterBytes: 1000 } : undefined,
  };
}

const isRange = ({ method, range }: SeenRequest): boolean => method === "GET" && range !== undefined;

const inputs = (pod: PodFilesystem): string[] => readdirSync(dirname(pod.input("a"))).sort();

/** Files of the tree that are in the staging directory. */
const unpacked = (pod: PodFilesystem): number =>
  inputs(pod)
    .filter((name) => name.startsWith(".skein-"))
    .flatMap((name) => readdirSync(join(dirname(pod.input("a")), name))).length;

function requireTree(path: string): void {
  const files = readdirSync(path).sort();
  const content = Buffer.concat(files.map((name) => readFileSync(join(path, name))));
  expect([files.length, content.equals(LARGE)]).toEqual([24, true]);
}

/** A pod that loads the tree in ranges of 2 MiB, of which the fifth and further ones stall. */
async function loadingLarge(more: Partial<PodRequest> = {}) {
  const { fault, ...stall } = stallAfter(4, isRange);
  const { endpoint } = await cluster.faultyS3(fault);
  const s3 = { ...cluster.repository("large/tree.tgz").s3, endpoint };
  const request: PodRequest = {
    template: {
      container: {},
      inputs: { artifacts: [{ name: "a", path: "/tmp/a", s3 }] },
    },
    controller: false,
    ...more,
    env: { SKEIN_S3_RANGE_MIB: "2", SKEIN_STALL_TIMEOUT_SECONDS: "60", ...more.env },
  };
  const isHalfLoaded = (pod: PodFilesystem): Promise<void> =>
    until(() => stall.reached() && existsSync(dirname(pod.input("a"))) && unpacked(pod) > 2);
  return { request, isHalfLoaded, ...stall };
}

describe("init in the middle of a large archive", () => {
  it("ends with 64 when it is told to stop, and leaves nothing of it", async () => {
    const { request, isHalfLoaded } = await loadingLarge();
    const end = await runPod(cluster, {
      ...request,
      onStart: (name, process, pod) => {
        if (name === "init") void isHalfLoaded(pod).then(() => process.kill("SIGTERM"));
      },
    });
    expect(end.init).toMatchObject({ exitCode: 64, terminationMessage: expect.stringContaining("SIGTERM") });
    expect(end.main).toBeUndefined();
    expect(inputs(end)).toEqual([]);
  });

  it("is begun anew when it was killed, and what was left is cleared away", async () => {
    const { request, isHalfLoaded, heal } = await loadingLarge({ restarts: { init: 1 } });
    let left: string[] = [];
    const end = await runPod(cluster, {
      ...request,
      onStart: (name, process, pod) => {
        if (name !== "init") return;
        if (left.length > 0) return;
        void isHalfLoaded(pod).then(() => {
          left = inputs(pod);
          heal();
          process.kill("SIGKILL");
        });
      },
    });
    expect(left).toEqual([expect.stringMatching(/^\.skein-.*\.tmpdir$/)]);
    expect(end.starts.init).toBe(2);
    expect(end.init.exitCode, end.init.log).toBe(0);
    expect(inputs(end)).toEqual(["a"]);
    requireTree(end.input("a"));
  });

  it("is not kept by the failure of one of four from leaving the others whole or not at all", async () => {
    const { endpoint } = await cluster.faultyS3((request) =>
      request.url.includes("/refused") ? { type: "answer", status: 403, code: "AccessDenied" } : undefined,
    );
    const at = (key: string) => ({ ...cluster.repository(key).s3, endpoint });
    const names = ["a", "b", "c"];
    const artifacts = [
      ...names.map((name) => ({ name, path: `/tmp/${name}`, s3: at("large/tree.tgz") })),
      { name: "d", path: "/tmp/d", s3: at("large/refused") },
    ];
    const end = await runPod(cluster, {
      template: { container: {}, inputs: { artifacts } },
      env: { SKEIN_S3_RANGE_MIB: "2" },
      controller: false,
    });
    expect(end.init.exitCode).toBe(64);
    expect(end.init.terminationMessage).toMatch(/^artifact d failed to load: .*AccessDenied/);
    expect(end.init.terminationMessage).not.toMatch(/artifact [abc] /);
    const found = inputs(end);
    expect(found.filter((name) => !names.includes(name))).toEqual([]);
    for (const name of found) requireTree(end.input(name));
  });
});

describe("supervisor in the middle of a large archive", () => {
  // An init container is not told of a deadline by its environment: the kubelet and the controller end its pod (SIGTERM).
  it("ends with 64 when the step's deadline passes, and leaves nothing of it", async () => {
    const { request } = await loadingLarge({
      layout: "initless",
      env: { ARGO_DEADLINE: new Date(Date.now() + 5_000).toISOString() },
    });
    const end = await runPod(cluster, request);
    expect(end.wait).toMatchObject({ exitCode: 64, terminationMessage: "Step exceeded its deadline" });
    expect(end.main?.exitCode).toBe(65);
    expect(inputs(end)).toEqual([]);
  });
});

/** Uploads that were begun and neither completed nor aborted, in the whole bucket. */
function unfinished(): string[] {
  const uploads = join(cluster.s3.root, cluster.s3.bucket, ".sgwtmp", "multipart");
  if (!existsSync(uploads)) return [];
  return readdirSync(uploads, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("/"));
}

/** A pod whose main leaves files of 24 MiB in a volume, to be objects, behind a server in which something goes wrong. */
async function savingLarge(
  key: string,
  names: readonly string[],
  fault: (request: SeenRequest) => Fault | undefined,
): Promise<PodRequest> {
  const { endpoint } = await cluster.faultyS3(fault);
  const { s3 } = cluster.repository(key);
  return {
    template: {
      container: { volumeMounts: [{ name: "v0", mountPath: "/out" }] },
      outputs: { artifacts: names.map((name) => ({ name, path: `/out/${name}`, archive: { none: {} } })) },
      archiveLocation: { s3: { ...s3, endpoint } },
    },
    volumes: ["/out"],
    prepare: (pod) => {
      for (const name of names) writeFileSync(join(pod.volume("/out"), name), LARGE);
    },
    controller: false,
  };
}

const isPart = ({ method, url }: SeenRequest): boolean => method === "PUT" && url.includes("partNumber=");

describe("wait in the middle of a large output", () => {
  it("goes on when it is told to stop, and reports it whole", async () => {
    const before = unfinished();
    const held = Promise.withResolvers<void>();
    let isReached = false;
    const request = await savingLarge("term", ["a"], (seen) => {
      if (!isPart(seen) || isReached) return undefined;
      isReached = true;
      return { type: "hold", afterBytes: 100_000, until: () => held.promise };
    });
    const end = await runPod(cluster, {
      ...request,
      onRunning: async (pod) => {
        await until(() => isReached);
        expect(cluster.object("term/a")).toBeUndefined();
        pod.wait.kill("SIGTERM");
        await delay(300);
        held.resolve();
      },
    });
    expect(end.wait?.exitCode, end.wait?.log).toBe(0);
    expect(cluster.object("term/a")?.equals(LARGE)).toBe(true);
    expect(end.result?.outputs).toMatchObject({ artifacts: [{ name: "a", s3: { key: "term/a" } }] });
    expect(unfinished()).toEqual(before);
  });

  it("goes on when the step's deadline passes, which the step itself has kept", async () => {
    const held = Promise.withResolvers<void>();
    let isReached = false;
    const request = await savingLarge("deadline", ["a"], (seen) => {
      if (!isPart(seen) || isReached) return undefined;
      isReached = true;
      return { type: "hold", afterBytes: 100_000, until: () => held.promise };
    });
    const deadline = Date.now() + 6_000; // late enough for main to have ended, on a busy machine, too
    const end = await runPod(cluster, {
      ...request,
      env: { ARGO_DEADLINE: new Date(deadline).toISOString() },
      onRunning: async () => {
        await until(() => isReached && Date.now() > deadline + 1_200);
        held.resolve();
      },
    });
    expect(end.wait?.exitCode, end.wait?.log).toBe(0);
    expect(cluster.object("deadline/a")?.equals(LARGE)).toBe(true);
    expect(end.result?.outputs).toMatchObject({ artifacts: [{ name: "a" }] });
  });

  it("shows nothing under the key when it is killed, and the next run saves all of it", async () => {
    const { fault, reached, heal } = stallAfter(1, isPart);
    const request = await savingLarge("kill", ["a"], fault);
    let runs = 0;
    let seen: Buffer | undefined;
    const end = await runPod(cluster, {
      ...request,
      restarts: { wait: 1 },
      onStart: (name, process) => {
        if (name !== "wait" || ++runs > 1) return;
        void until(reached).then(() => {
          seen = cluster.object("kill/a");
          heal();
          process.kill("SIGKILL");
        });
      },
    });
    expect(seen).toBeUndefined();
    expect(end.starts.wait).toBe(2);
    expect(end.wait?.exitCode, end.wait?.log).toBe(0);
    expect(cluster.object("kill/a")?.equals(LARGE)).toBe(true);
  });

  it("saves and reports three of four when a part of the fourth is refused, whose upload is aborted", async () => {
    const before = unfinished();
    const request = await savingLarge("four", ["a", "b", "c", "d"], (seen) =>
      isPart(seen) && seen.url.includes("/four/c") && seen.url.includes("partNumber=2")
        ? { type: "answer", status: 403, code: "AccessDenied" }
        : undefined,
    );
    const end = await runPod(cluster, request);
    expect(end.wait?.exitCode).toBe(64);
    expect(end.wait?.terminationMessage).toMatch(/^artifact c failed to save: .*AccessDenied/);
    for (const name of ["a", "b", "d"]) {
      expect(cluster.object(`four/${name}`)?.equals(LARGE), name).toBe(true);
    }
    expect(cluster.object("four/c")).toBeUndefined();
    const reported = end.result?.outputs as { artifacts?: { name: string }[] } | undefined;
    expect(reported?.artifacts?.map(({ name }) => name)).toEqual(["a", "b", "d"]);
    expect(unfinished()).toEqual(before);
  });
});
