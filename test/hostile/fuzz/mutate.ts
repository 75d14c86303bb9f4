import { withChecksum } from "../corpus/tar-parts.ts";
import type { Random } from "./random.ts";

const BLOCK = 512;

/** Bytes that mean something to an archive. */
const TELLING = Buffer.from("\0\x01\x7f\x80\xff/.0157 xgLKSM\\=\nPK");

/** Texts that mean something to a path, a number or a record. */
const TOKENS = [
  "../",
  "..",
  "/",
  "./",
  "\0",
  "victim",
  "../victim/secret",
  "77777777777",
  "-1",
  "\xff".repeat(12),
  "30 path=../../x\n",
].map((text) => Buffer.from(text, "latin1"));

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.oneIn(2)
    ? random.below(256)
    : (TELLING[random.below(TELLING.length)] ?? 0);
  return bytes;
};

const writeToken: Mutation = (bytes, random) => {
  random.of(TOKENS).copy(bytes, random.below(bytes.length));
  return bytes;
};

const cut: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length));

const removePart: Mutation = (bytes, random) => {
  const [from, to] = part(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const repeatPart: Mutation = (bytes, random) => {
  const [from, to] = part(bytes, random);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
};

const swapParts: Mutation = (bytes, random) => {
  const [from, to] = part(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to), bytes.subarray(from, to)]);
};

const splice: Mutation = (bytes, random, other) =>
  Buffer.concat([bytes.subarray(0, boundary(bytes, random)), other.subarray(boundary(other, random))]);

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setByte,
  writeToken,
  cut,
  removePart,
  repeatPart,
  swapParts,
  splice,
];

/** Changes a copy a few times. */
export function mutate(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.below(6); left > 0; left--) {
    if (changed.length > 0) changed = random.of(MUTATIONS)(changed, random, other);
  }
  return changed;
}

/** Makes the headers of a tar right again, so that more than their checksum is tried. */
export function repairChecksums(tar: Buffer): Buffer {
  for (let at = 0; at + BLOCK <= tar.length; at += BLOCK) {
    if (tar.toString("latin1", at + 257, at + 262) === "ustar") withChecksum(tar.subarray(at, at + BLOCK));
  }
  return tar;
}

/** Mostly where a block begins, which is where a tar is sensitive. */
function boundary(bytes: Buffer, random: Random): number {
  const at = random.below(bytes.length + 1);
  return random.oneIn(4) ? at : at - (at % BLOCK);
}

function part(bytes: Buffer, random: Random): [from: number, to: number] {
  const ends = [boundary(bytes, random), boundary(bytes, random)];
  return [Math.min(...ends), Math.max(...ends)];
}
