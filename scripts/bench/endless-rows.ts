import { execFile } from "node:child_process";
import { readdirSync, statfsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Artifact } from "@skein/contract";
import { memoryBar } from "./bars.ts";
import { type Bench, finishMain, LOOK_EVERY_MS, templateWith, withPod } from "./bench.ts";
import type { BenchPod, Figures } from "./pod.ts";
import { serve } from "./serve-program.ts";
import type { Row } from "./table.ts";

const GIB = 1024 ** 3;
const run = promisify(execFile);

/**
 * More than memory holds, in and out. The store makes what is loaded and forgets what is saved; what is loaded is punched out
 * of the volume again while it is being written, and what is saved is a file without a block of its own.
 */
export async function endlessRows(bench: Bench): Promise<Row[]> {
  const gibibytes = bench.shrink > 1 ? 1 : 10;
  const bytes = gibibytes * GIB;
  const { bavail, bsize } = statfsSync(bench.parts.directory);
  if (bavail * bsize < bytes) {
    bench.say(`left out: the tmpfs has no room for ${gibibytes} GiB, and a load looks whether there is`);
    return [];
  }
  const program = join(import.meta.dirname, "endless-store-program.ts");
  await using store = await serve(process.execPath, [program, bench.store.bucket, String(gibibytes)]);
  const rows: Row[] = [];
  for (const [name, archive] of [
    ["as it is", { none: {} }],
    ["as tgz", undefined],
  ] as const) {
    bench.say(`${gibibytes} GiB ${name}: load`);
    const key = archive ? "plain" : "tgz";
    rows.push({
      name: `load ${gibibytes} GiB ${name}`,
      what: `\`argoexec init\` from a server that makes the bytes${archive ? "" : ", half of them random"}`,
      runs: await withPod(bench, async (pod) => [
        await loadEndless(
          bench,
          pod,
          store.endpoint,
          { name: "content", ...(archive && { archive }), s3: { key } },
          bytes,
        ),
      ]),
      bytes,
      bars: [memoryBar],
    });
  }
  const saves: readonly [name: string, what: string, archive: Artifact["archive"]][] = [
    ["as it is", "", { none: {} }],
    ["as tgz", "; zeros, of which gzip leaves little to send", { tar: {} }],
    [
      "as tgz, level 0",
      "; nothing is compressed, so that the most is sent that an archive can be",
      { tar: { compressionLevel: 0 } },
    ],
  ];
  for (const [name, what, archive] of saves) {
    bench.say(`${gibibytes} GiB ${name}: save`);
    rows.push({
      name: `save ${gibibytes} GiB ${name}`,
      what: `\`argoexec wait\` to a server that forgets the bytes${what}`,
      runs: await withPod(bench, async (pod) => [
        await saveEndless(
          bench,
          pod,
          store.endpoint,
          { name: "content", ...(archive && { archive }), s3: { key: "out" } },
          bytes,
        ),
      ]),
      bytes,
      bars: [memoryBar],
    });
  }
  return rows;
}

async function loadEndless(
  bench: Bench,
  pod: BenchPod,
  endpoint: string,
  artifact: Artifact,
  bytes: number,
): Promise<Figures> {
  const template = templateWith(bench, { inputs: [{ ...artifact, path: "/in/content" }] }, endpoint);
  const stop = new AbortController();
  const forgetting = forget(pod.inputs, stop.signal);
  try {
    const figures = await pod.run("init", template, { lookEveryMs: LOOK_EVERY_MS });
    const [loaded] = filesBelow(pod.inputs);
    if (loaded?.sizeBytes !== bytes) throw new Error(`loaded ${loaded?.sizeBytes} bytes instead of ${bytes}`);
    return figures;
  } finally {
    stop.abort();
    await forgetting;
  }
}

async function saveEndless(
  bench: Bench,
  pod: BenchPod,
  endpoint: string,
  artifact: Artifact,
  bytes: number,
): Promise<Figures> {
  const content = join(pod.volume, "content");
  writeFileSync(content, "");
  truncateSync(content, bytes);
  finishMain(pod);
  const outputs = [{ ...artifact, path: "/data/content" }];
  return pod.run("wait", templateWith(bench, { outputs }, endpoint), { lookEveryMs: LOOK_EVERY_MS });
}

/** Gives the blocks of everything below a directory back to the tmpfs, again and again; lengths stay. */
async function forget(directory: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const { path, sizeBytes } of filesBelow(directory)) {
        if (sizeBytes === 0) continue;
        await run("fallocate", ["--punch-hole", "--offset", "0", "--length", String(sizeBytes), path]);
      }
    } catch {
      // What has got its final name meanwhile is found the next time.
    }
    await delay(100);
  }
}

function filesBelow(directory: string): { path: string; sizeBytes: number }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size;
      return sizeBytes === undefined ? [] : [{ path, sizeBytes }];
    });
}
