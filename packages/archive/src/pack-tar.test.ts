import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import type { FileMoved } from "./extract-report.ts";
import { packTar } from "./pack-tar.ts";
import type { TarEntry } from "./tar-header.ts";
import { TarReader } from "./tar-reader.ts";
import { collect } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { unpack } from "./testing/unpack.ts";

function entriesOf(bytes: Buffer): TarEntry[] {
  const reader = new TarReader();
  const entries: TarEntry[] = [];
  reader.push(bytes);
  for (let event = reader.next(); event !== undefined; event = reader.next()) {
    if (event.kind === "entry") entries.push(event.entry);
  }
  reader.end();
  return entries;
}

function list(bytes: Buffer): string[] {
  return entriesOf(bytes).map(
    ({ name, type, linkName }) => `${name}(${type})${linkName === "" ? "" : ` -> ${linkName}`}`,
  );
}

describe("packTar", () => {
  it("lists a directory as upstream does (contract, appendix B)", async () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.join("dir/sub/empty"), { recursive: true });
    writeFileSync(directory.join("dir/sub/f.sh"), "#!/bin/sh\n", { mode: 0o755 });
    symlinkSync("f.sh", directory.join("dir/sub/l"));
    const packed = await collect(packTar(directory.join("dir")));
    expect(list(packed)).toEqual([
      "dir(5)",
      "dir/sub(5)",
      "dir/sub/empty(5)",
      "dir/sub/f.sh(0)",
      "dir/sub/l(2) -> f.sh",
    ]);
    expect(packed.toString("latin1", 257, 265)).toBe("ustar\x0000");
  });

  it("gives a single file the one entry of its base name", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.join("c.txt"), "text");
    expect(list(await collect(packTar(directory.join("c.txt"))))).toEqual(["c.txt(0)"]);
  });

  it("follows a link at the root, under the link's name, and no other", async () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.join("real/d"), { recursive: true });
    symlinkSync("real", directory.join("link"));
    symlinkSync("d", directory.join("real/e"));
    expect(list(await collect(packTar(`${directory.join("link")}/`)))).toEqual([
      "link(5)",
      "link/d(5)",
      "link/e(2) -> d",
    ]);
  });

  it("sorts by bytes and goes down where it stands, as Go's walk does", async () => {
    using directory = temporaryDirectory();
    for (const name of ["t/b", "t/a", "t/a.b", "t/a/z", "t/B", "t/\u00e9", "t/\u{1f600}", "t/\uffee"]) {
      mkdirSync(directory.join(name), { recursive: true });
    }
    const names = entriesOf(await collect(packTar(directory.join("t")))).map(({ name }) =>
      Buffer.from(name, "latin1").toString(),
    );
    expect(names).toEqual(["t", "t/B", "t/a", "t/a/z", "t/a.b", "t/b", "t/é", "t/\uffee", "t/\u{1f600}"]);
  });

  it("records modes with set-id bits, owners and whole seconds that are not in the future", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.join("f"), "x");
    chmodSync(directory.join("f"), 0o4751);
    utimesSync(directory.join("f"), new Date(), new Date(1_600_000_000_900));
    const packed = await collect(packTar(directory.join("f")));
    expect(entriesOf(packed)[0]).toMatchObject({ mode: 0o4751, size: 1, mtimeSeconds: 1_600_000_000 });
    expect(Number.parseInt(packed.toString("latin1", 108, 115), 8)).toBe(process.getuid?.());
  });

  it("stores hard links as copies, and fifos as bare headers", async () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.join("d"));
    writeFileSync(directory.join("d/f"), "x");
    linkSync(directory.join("d/f"), directory.join("d/h"));
    expect(spawnSync("mkfifo", [directory.join("d/p")]).status).toBe(0);
    const packed = await collect(packTar(directory.join("d")));
    expect(list(packed)).toEqual(["d(5)", "d/f(0)", "d/h(0)", "d/p(6)"]);
    expect((await unpack(packed)).report.skipped).toEqual([{ path: "d/p", reason: "a fifo is not made" }]);
  });

  it("gives chunks of the length gzip compresses at once", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.join("f"), Buffer.alloc(1_500_000));
    const lengths: number[] = [];
    for await (const chunk of packTar(directory.join("f"))) lengths.push(chunk.length);
    expect(lengths.slice(0, -1)).toEqual([524_288, 524_288]);
  });

  it("tells of each file with size and offset, and is on disk only until a chunk is ready", async () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.join("d"));
    writeFileSync(directory.join("d/a"), "123");
    writeFileSync(directory.join("d/b"), Buffer.alloc(700_000));
    const files: string[] = [];
    let busy = 0;
    const meter = { enter: () => busy++, leave: () => busy-- };
    const onFile = (moved: FileMoved): void => {
      files.push(`${moved.file} ${moved.sizeBytes} @${moved.offsetBytes}`);
    };
    for await (const _chunk of packTar(directory.join("d"), { meter, onFile })) {
      expect(busy).toBe(0);
    }
    expect(files).toEqual(["d/a 3 @0", "d/b 700000 @3"]);
    expect(busy).toBe(0);
  });

  it.each([
    ["grows", (path: string) => appendFileSync(path, "more"), "from 700000 to 700004 bytes"],
    ["shrinks", (path: string) => truncateSync(path, 600_000), "from 700000 to 600000 bytes"],
  ])(
    "keeps the archive well-formed when a file %s on the way, and then names it",
    async (_how, change, text) => {
      using directory = temporaryDirectory();
      mkdirSync(directory.join("d"));
      writeFileSync(directory.join("d/log"), Buffer.alloc(700_000, "x"));
      writeFileSync(directory.join("d/zzz"), "the next file");
      const chunks: Buffer[] = [];
      const pack = async (): Promise<void> => {
        for await (const chunk of packTar(directory.join("d"))) {
          if (chunks.push(chunk) === 1) change(directory.join("d/log"));
        }
      };
      await expect(pack()).rejects.toMatchObject({
        code: "archive.source_changed",
        message: `files changed their size while they were being packed: d/log (${text})`,
      });
      const { tree } = await unpack(Buffer.concat(chunks));
      expect(tree["d/zzz"]).toContain('"the next file"');
      expect(tree["d/log"]?.length).toBeGreaterThan(700_000);
    },
  );

  it("says that there is nothing at the path, so that an optional artifact can be left out", async () => {
    using directory = temporaryDirectory();
    await expect(collect(packTar(directory.join("gone")))).rejects.toMatchObject({
      code: "file.not_found",
      message: `${directory.join("gone")}: no such file or directory`,
    });
  });

  it("refuses what is neither file nor directory in upstream's words", async () => {
    await expect(collect(packTar("/dev/null"))).rejects.toThrow(
      "/dev/null is not a regular file or directory",
    );
  });

  it("refuses a socket in upstream's words, naming it", async () => {
    using directory = temporaryDirectory();
    const server = createServer().listen(directory.join("s.sock"));
    await once(server, "listening");
    try {
      await expect(collect(packTar(directory.path))).rejects.toMatchObject({
        code: "archive.unsupported_entry",
        message: `archive/tar: sockets not supported: ${directory.join("s.sock")}`,
      });
    } finally {
      server.close();
    }
  });

  it("fails when a directory goes away on the walk", async () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.join("d/sub"), { recursive: true });
    writeFileSync(directory.join("d/big"), Buffer.alloc(2_000_000));
    const pack = async (): Promise<void> => {
      for await (const _chunk of packTar(directory.join("d"))) {
        if (readdirSync(directory.join("d")).includes("sub")) rmdirSync(directory.join("d/sub"));
      }
    };
    await expect(pack()).rejects.toMatchObject({
      code: "archive.source_changed",
      message: `${directory.join("d/sub")} was removed while it was being saved`,
    });
  });

  it("stops with the reason it was given, and leaves no descriptor open", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.join("f"), Buffer.alloc(3_000_000));
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    const stop = new AbortController();
    const reason = new Error("enough");
    const pack = async (): Promise<void> => {
      for await (const _chunk of packTar(directory.join("f"), { signal: stop.signal })) stop.abort(reason);
    };
    await expect(pack()).rejects.toBe(reason);
    for await (const _chunk of packTar(directory.join("f"))) break;
    expect(open()).toBe(before);
  });
});
