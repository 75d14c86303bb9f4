import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { packTar, packZip } from "@skein/archive";
import { collect } from "../../../packages/archive/src/testing/streams.ts";
import { temporaryDirectory } from "../../../packages/archive/src/testing/temporary-directory.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { SOMEWHERE } from "../corpus/hostile-case.ts";
import { mutate, repairChecksums } from "./mutate.ts";
import type { Random } from "./random.ts";

export type Kind = "tar" | "zip";

export interface Input {
  /** How it is taken: a tar in whatever compression, or a zip. */
  kind: Kind;
  bytes: Buffer;
}

/** Larger ones take longer and try nothing more. */
const MAX_SEED_BYTES = 64 * 1024;

/** Invents inputs from valid archives and from the hostile corpus. */
export class Inputs {
  readonly #tars: readonly Buffer[];
  readonly #zips: readonly Buffer[];

  private constructor(tars: readonly Buffer[], zips: readonly Buffer[]) {
    this.#tars = tars;
    this.#zips = zips;
  }

  static async create(): Promise<Inputs> {
    using directory = temporaryDirectory();
    makeTree(directory.join("tree"));
    const valid = {
      tar: await collect(packTar(directory.join("tree"))),
      zip: await collect(packZip(directory.join("tree"))),
    };
    const hostile = (kind: "tar" | "zip"): Buffer[] =>
      CORPUS[kind]
        .map(({ bytes }) => bytes(SOMEWHERE))
        .filter(({ length }) => length > 0 && length <= MAX_SEED_BYTES);
    return new Inputs([valid.tar, valid.tar, ...hostile("tar")], [valid.zip, valid.zip, ...hostile("zip")]);
  }

  next(random: Random): Input {
    if (random.oneIn(4))
      return { kind: "zip", bytes: mutate(random.of(this.#zips), random, random.of(this.#zips)) };
    const tar = mutate(random.of(this.#tars), random, random.of(this.#tars));
    const bytes = random.oneIn(4) ? tar : repairChecksums(tar);
    const compress = random.of([gzipSync, zstdCompressSync, (plain: Buffer) => plain]);
    if (random.oneIn(2)) return { kind: "tar", bytes: compress(bytes) };
    // In two pieces, which are two members or frames; and now and then damaged once more.
    const at = random.below(bytes.length + 1);
    const joined = Buffer.concat([compress(bytes.subarray(0, at)), compress(bytes.subarray(at))]);
    return { kind: "tar", bytes: random.oneIn(2) ? joined : mutate(joined, random, joined) };
  }
}

function makeTree(root: string): void {
  mkdirSync(`${root}/d/e`, { recursive: true });
  writeFileSync(`${root}/d/file`, "text");
  writeFileSync(`${root}/d/e/${"long-name-".repeat(15)}`, "x".repeat(1500));
  writeFileSync(Buffer.from(`${root}/latin\xe9`, "latin1"), "bytes");
  writeFileSync(`${root}/big`, Buffer.alloc(300_000, "big"));
  linkSync(`${root}/d/file`, `${root}/other-name`);
  symlinkSync("d/file", `${root}/link`);
  symlinkSync("x/".repeat(80), `${root}/long-link`);
  chmodSync(`${root}/d/file`, 0o751);
}
