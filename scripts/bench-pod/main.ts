/**
 * `make bench-pod`: measures whole pods as real containers from the built images, and writes docs/benchmarks-pod.md.
 *
 *     node scripts/bench-pod/main.ts [--quick] [--tag dev]
 *
 * --quick takes fewer runs and a smaller artifact, for trying a change; it prints and does not write.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { NEWEST } from "../../test/e2e/suite/case.ts";
import { startWorld } from "../../test/e2e/suite/world.ts";
import { writeHalfRandomFile } from "../bench/inputs.ts";
import { createCgroups } from "./cgroups.ts";
import { renderPodPage } from "./page.ts";
import { type PodRow, podRows } from "./pods.ts";

/** gzip leaves about 400 MB of it. */
const BIG_MEBIBYTES = 512;

const checkout = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    tag: { type: "string", default: "dev" },
  },
});
const directory = mkdtempSync(join(tmpdir(), "skein-bench-pod-"));
// The store is not what is measured, so it is in memory; the pods' volumes are on a disk, as a node's are.
const storeRoot = mkdtempSync("/dev/shm/skein-bench-pod-");
const run = basename(directory);
const cgroups = createCgroups(run);
const loadAverage = loadavg()[0] ?? 0;
try {
  await using world = await startWorld({
    directory,
    run,
    storeRoot,
    tag: values.tag,
    containersConf: join(checkout, "scripts/containers/containers.conf"),
    flags: (pod, { name }) => cgroups.flags(pod.metadata.name, name),
  });
  const nothing = ["run", "--rm", ...cgroups.flags("nothing", "main"), world.images.scratch];
  await world.podman.run(...nothing, "/one", "exit", "0");
  // On the disk of the pods' volumes, into which it is linked.
  const bigFile = join(directory, "big");
  writeHalfRandomFile(bigFile, values.quick ? 64 : BIG_MEBIBYTES);
  const rows: PodRow[] = [];
  for (const version of NEWEST) {
    const runs = values.quick ? { short: 2, long: 1 } : { short: 9, long: 3 };
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    rows.push(...(await podRows({ world, cgroups, runs, bigFile, say }, version)));
  }
  const nothingBytes = cgroups.peakBytes("nothing", "main");
  const page = renderPodPage(rows, { nothingBytes, loadAverage, when: new Date() });
  process.stdout.write(page);
  if (!values.quick) writeFileSync(join(checkout, "docs/benchmarks-pod.md"), page);
} finally {
  cgroups.remove();
  for (const path of [directory, storeRoot]) rmSync(path, { recursive: true, force: true });
}
