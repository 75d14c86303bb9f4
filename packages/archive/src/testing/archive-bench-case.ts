/** One run of the benchmark, in the current directory: `archive-bench-case.ts CASE INPUT [OUTPUT]`. Prints what it took. */
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { extractTar, extractZip, gunzip, gzip, packTar, packZip } from "../index.ts";
import { toRaw, toText } from "../raw-name.ts";
import { SourceTree } from "../source-tree.ts";
import { Unpacker } from "../unpacker.ts";

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

/** The same safe writer behind tar-stream's parser. */
async function unpackWithTarStream(): Promise<void> {
  const unpacker = new Unpacker({ into: "out" });
  const parser = extract();
  parser.on("entry", (header, stream, next) => {
    const place = unpacker.admit(toRaw(header.name));
    if (place === undefined) throw new Error(`${header.name} leads outside`);
    if (header.type === "directory") unpacker.directory(place, header.mode ?? 0o755);
    else unpacker.openFile(place, header.size ?? 0, header.mode ?? 0o644);
    stream.on("data", (chunk) => void unpacker.write(chunk as Buffer));
    stream.on("end", () => {
      unpacker.closeFile((header.mtime ?? new Date()).getTime() / 1000);
      next();
    });
  });
  await pipeline(read(), parser as unknown as NodeJS.WritableStream);
  unpacker.finish();
  unpacker.close();
}

/** The same walk before tar-stream's packer, every file as one buffer. */
async function packWithTarStream(): Promise<void> {
  const packer = pack();
  const writing = (async () => {
    for (const { path, name, stats } of new SourceTree(input).entries()) {
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
