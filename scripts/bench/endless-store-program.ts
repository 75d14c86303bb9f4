/**
 * An endless store as a process of its own, so that its time and memory are not the bench's:
 *
 *     node scripts/bench/endless-store-program.ts BUCKET GIBIBYTES
 *
 * Prints `host:port` when it listens. Ends when its standard input does. Serves the keys `plain`, a file of that length, and
 * `tgz`, a gzipped tar with one such file.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type EndlessObject, startEndlessStore } from "./endless-store.ts";
import { halfRandom } from "./inputs.ts";

const BLOCK_MIB = 16;

const [, , bucket = "", gibibytes = ""] = process.argv;
const block = halfRandom(BLOCK_MIB);
const times = (Number(gibibytes) * 1024) / BLOCK_MIB;
const store = await startEndlessStore({
  [`/${bucket}/plain`]: [{ bytes: block, times }],
  [`/${bucket}/tgz`]: tgzOf(block, times),
});
process.stdout.write(`${store.endpoint}\n`);
process.stdin.resume().on("end", () => process.exit());

/** gzip may consist of many members, and here all those in the middle are the same. */
function tgzOf(content: Buffer, count: number): EndlessObject {
  const once = (bytes: Buffer): EndlessObject[number] => ({ bytes: gzipSync(bytes), times: 1 });
  return [
    once(tarHeader(content.byteLength * count)),
    { bytes: gzipSync(content), times: count },
    once(Buffer.alloc(1024)), // the end of the archive
  ];
}

/** As GNU tar writes it: beyond 8 GiB the length is not octal any more. */
function tarHeader(sizeBytes: number): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "skein-bench-"));
  try {
    writeFileSync(join(directory, "content"), "");
    truncateSync(join(directory, "content"), sizeBytes);
    return execFileSync("sh", ["-c", "tar --format=gnu -cf - content 2>/dev/null | head -c 512"], {
      cwd: directory,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
