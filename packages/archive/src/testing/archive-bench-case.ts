/** One run of the benchmark, in the current directory: `archive-bench-case.ts CASE INPUT [OUTPUT]`. Prints what it took. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  futimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { extractTar, extractZip, gunzip, gzip, packTar, packZip } from "../index.ts";
import { toText } from "../raw-name.ts";
import { walkTree } from "../walk-tree.ts";

const [name = "", input = "", output = ""] = process.argv.slice(2);

const cases: Record<string, () => Promise<unknown>> = {
  nothing: async () => undefined,
  "unpack-tar": () => extractTar(read(), { into: "out" }),
  "unpack-tgz": () => extractTar(gunzip(read()), { into: "out" }),
  "unpack-zip": () => extractZip(input, { into: "out" }),
  "pack-tar": () => drain(packTar(input)),
  "pack-tgz": () => drain(gzip(packTar(input))),
  "pack-zip": () => pipeline(packZip(input), createWriteStream(output)),
  "unpack-tar-stream": unpackWithTarStream,
  "pack-tar-stream": packWithTarStream,
};

void measure();

async function measure(): Promise<void> {
  const run = cases[name];
  if (run === undefined) throw new Error(`no such case: ${name}`);
  const startedMs = performance.now();
  await run();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage();
  const peakMb = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
  process.stdout.write(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMb }));
}

function read(): AsyncIterable<Buffer> {
  return createReadStream(input, { highWaterMark: 256 * 1024 });
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of source);
}

/** The same synchronous calls behind tar-stream's parser, without any of our checks. */
async function unpackWithTarStream(): Promise<void> {
  mkdirSync("out");
  const parser = extract();
  parser.on("entry", (header, stream, next) => {
    const path = `out/${header.name}`;
    if (header.type === "directory") mkdirSync(path);
    const fd = header.type === "file" ? openSync(path, "wx", header.mode) : undefined;
    stream.on("data", (chunk) => {
      if (fd !== undefined) writeSync(fd, chunk as Buffer);
    });
    stream.on("end", () => {
      if (fd !== undefined) {
        futimesSync(fd, new Date(), header.mtime ?? new Date());
        closeSync(fd);
      }
      next();
    });
  });
  await pipeline(read(), parser as unknown as NodeJS.WritableStream);
}

/** The same walk before tar-stream's packer, every file as one buffer. */
async function packWithTarStream(): Promise<void> {
  const packer = pack();
  const writing = (async () => {
    for (const { path, name, stats } of walkTree(input)) {
      if (!stats.isFile()) continue;
      const header = { name: toText(name), size: stats.size, mode: stats.mode & 0o777, mtime: stats.mtime };
      await new Promise((resolve, reject) => {
        packer.entry(header, readFileSync(toText(path)), (error) =>
          error ? reject(error) : resolve(undefined),
        );
      });
    }
    packer.finalize();
  })();
  await drain(packer as AsyncIterable<Uint8Array>);
  await writing;
}
