import { gzipSync, zstdCompressSync } from "node:zlib";
import { corrupt, FILE, type HostileArchive, type Outcome } from "./hostile-case.ts";
import { archive, file } from "./tar-parts.ts";

const TAR = archive(file("f"));
const GZIP = gzipSync(TAR);
const ZSTD = zstdCompressSync(TAR);

function compressed(advisory: string, what: string, bytes: Buffer, outcome: Outcome): HostileArchive {
  return { advisory, what, bytes: () => bytes, outcome };
}

/** With one byte changed, counted from the end. */
function flipped(bytes: Buffer, fromEnd: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[bytes.length - fromEnd] = (damaged[bytes.length - fromEnd] ?? 0) ^ 0xff;
  return damaged;
}

const UPSTREAM = "contract §22 (argo-workflows)";
const BOMB = "GHSA-23hp-3jrh-7fpw (node-tar)";

/** A tar of one file of zeros, in pieces: members and frames may be joined. */
function bomb(compress: (bytes: Buffer) => Buffer, mebibytes: number): Buffer {
  const megabyte = compress(Buffer.alloc(1024 ** 2));
  const head = file("bomb", "", { size: mebibytes * 1024 ** 2 });
  return Buffer.concat([
    compress(head),
    ...Array.from({ length: mebibytes }, () => megabyte),
    compress(archive()),
  ]);
}

/** What is wrong with the compression around a tar. */
export const COMPRESSED: readonly HostileArchive[] = [
  compressed(
    UPSTREAM,
    "gzip in two members",
    Buffer.concat([gzipSync(TAR.subarray(0, 700)), gzipSync(TAR.subarray(700))]),
    {
      tree: { f: FILE },
    },
  ),
  compressed(
    UPSTREAM,
    "gzip with zeros behind it, as tapes have them",
    Buffer.concat([GZIP, Buffer.alloc(512)]),
    { tree: { f: FILE } },
  ),
  compressed(
    UPSTREAM,
    "gzip with something else behind it",
    Buffer.concat([GZIP, Buffer.from("tail")]),
    corrupt(/^corrupt gzip data/),
  ),
  compressed(
    UPSTREAM,
    "gzip with a wrong checksum, which upstream accepts",
    flipped(GZIP, 8),
    corrupt(/incorrect data check/),
  ),
  compressed(
    UPSTREAM,
    "gzip with a wrong length, which upstream accepts",
    flipped(GZIP, 4),
    corrupt(/incorrect length check/),
  ),
  ...[1, 4, 8, 12].map((cut) =>
    compressed(
      UPSTREAM,
      `gzip without its last ${cut} bytes`,
      GZIP.subarray(0, -cut),
      corrupt(/truncated gzip/),
    ),
  ),
  compressed(
    "nodejs/node#64741",
    "zstd in two frames, of which Node reads one",
    Buffer.concat([zstdCompressSync(TAR.subarray(0, 700)), zstdCompressSync(TAR.subarray(700))]),
    { tree: { f: FILE } },
  ),
  compressed(
    "nodejs/node#64741",
    "zstd with something else behind it",
    Buffer.concat([ZSTD, Buffer.from("tail")]),
    corrupt(/other than a frame/),
  ),
  ...[1, 4, 12].map((cut) =>
    compressed(
      UPSTREAM,
      `zstd without its last ${cut} bytes`,
      ZSTD.subarray(0, -cut),
      corrupt(/truncated zstd/),
    ),
  ),
  ...(
    [
      ["gzip", gzipSync],
      ["zstd", zstdCompressSync],
    ] as const
  ).map(
    ([name, compress]): HostileArchive => ({
      advisory: BOMB,
      what: `${name} that gives a hundred megabytes of zeros`,
      bytes: () => bomb(compress, 100),
      outcome: { refused: "archive.limit_exceeded", because: /maxBytes of 8388608/ },
      limits: { maxBytes: 8 * 1024 ** 2 },
    }),
  ),
  compressed(
    "parser differential",
    "text instead of an archive",
    Buffer.from("<html>not found</html>".repeat(100)),
    corrupt(/corrupt gzip data/),
  ),
  compressed("parser differential", "nothing at all", Buffer.alloc(0), corrupt(/truncated gzip data/)),
];
