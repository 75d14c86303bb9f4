import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";

/** A tree as fast-check invents it. */
export type Node =
  | { kind: "file"; data: Uint8Array; mode: number; mtimeSeconds: number }
  | { kind: "directory"; mode: number; children: [name: Buffer, node: Node][] }
  | { kind: "link"; target: string }
  /** Another name of a file written before; a file of its own when there is none. */
  | { kind: "hardLink"; of: number };

/** Names as Linux allows them: any bytes but `/` and NUL. Long ones, so that every way to store a name is used. */
const nameArbitrary = fc
  .oneof(
    {
      weight: 6,
      arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    },
    {
      weight: 4,
      arbitrary: fc
        .string({ minLength: 1, maxLength: 60, unit: "grapheme" })
        .map((text) => Buffer.from(text)),
    },
    { weight: 2, arbitrary: fc.integer({ min: 90, max: 255 }).map((length) => Buffer.alloc(length, "long")) },
  )
  .map((bytes) =>
    Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x5f : byte))).subarray(0, 255),
  )
  .filter((name) => name.length > 0 && name.toString("latin1") !== "." && name.toString("latin1") !== "..");

const fileArbitrary = fc.record({
  kind: fc.constant("file" as const),
  data: fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 2000 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(511, 512, 513, 300_000).map((length) => new Uint8Array(length).fill(7)),
    },
  ),
  mode: fc.integer({ min: 0, max: 0o777 }).map((mode) => mode | 0o400),
  mtimeSeconds: fc.integer({ min: -1_000_000, max: 2 ** 33 }),
});

/** Links to a sibling that may or may not be there: always strictly inside. */
const linkArbitrary = fc.record({
  kind: fc.constant("link" as const),
  target: fc.constantFrom("sibling", "./a/b", "a/../b", "x".repeat(150), "caf\xc3\xa9"),
});

const hardLinkArbitrary = fc.record({ kind: fc.constant("hardLink" as const), of: fc.nat(20) });

const { directory: directoryArbitrary } = fc.letrec<{ node: Node; directory: Node & { kind: "directory" } }>(
  (tie) => ({
    node: fc.oneof(
      { depthSize: "small", maxDepth: 4 },
      { weight: 5, arbitrary: fileArbitrary },
      { weight: 1, arbitrary: linkArbitrary },
      { weight: 1, arbitrary: hardLinkArbitrary },
      { weight: 3, arbitrary: tie("directory") },
    ),
    directory: fc.record({
      kind: fc.constant("directory" as const),
      // What the unpacker never goes below.
      mode: fc.integer({ min: 0, max: 0o777 }).map((mode) => mode | 0o755),
      children: fc.uniqueArray(fc.tuple(nameArbitrary, tie("node")), {
        maxLength: 6,
        selector: ([name]) => name.toString("latin1"),
      }),
    }),
  }),
);

export const treeArbitrary = directoryArbitrary;

/** Puts the tree on disk; `files` is for its own calls. */
export function writeNode(path: Buffer, node: Node, files: Buffer[] = []): void {
  if (node.kind === "link") {
    symlinkSync(Buffer.from(node.target, "latin1"), path);
  } else if (node.kind === "hardLink") {
    const earlier = files[node.of % Math.max(files.length, 1)];
    if (earlier !== undefined) linkSync(earlier, path);
    else {
      writeFileSync(path, "");
      utimesSync(path, 0, 0);
    }
  } else if (node.kind === "file") {
    files.push(path);
    writeFileSync(path, node.data);
    chmodSync(path, node.mode);
    utimesSync(path, new Date(), new Date(node.mtimeSeconds * 1000));
  } else {
    mkdirSync(path);
    for (const [name, child] of node.children)
      writeNode(Buffer.concat([path, Buffer.from("/"), name]), child, files);
    chmodSync(path, node.mode);
  }
}
