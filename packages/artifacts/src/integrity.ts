import { createHash, type Hash } from "node:crypto";
import { ArtifactError } from "@skein/contract";

/** What is known of an object's content besides its size, and who says so. */
export interface Integrity {
  algorithm: "sha256" | "sha1" | "md5";
  /** In hexadecimal. For `partBytes` the digest of the parts' digests. */
  digest: string;
  /** The content was sent in parts of this many bytes, each of which has a digest of its own. */
  partBytes?: (number: number) => number;
  /** For messages: `the ETag`. */
  source: string;
}

/** Takes an object's bytes in order and compares them in the end. */
export interface IntegrityCheck {
  update(chunk: Uint8Array): void;
  /** @throws ArtifactError `transfer.digest_mismatch` */
  verify(): void;
}

/** @param what names the object in the message */
export function checkIntegrity(expected: Integrity, what: string): IntegrityCheck {
  const digest = expected.partBytes
    ? new PartsDigest(expected.algorithm, expected.partBytes)
    : new WholeDigest(expected.algorithm);
  return {
    update: (chunk) => digest.update(chunk),
    verify: () => {
      const found = digest.value();
      if (found === expected.digest.toLowerCase()) return;
      throw mismatch(what, `${expected.algorithm} ${found}, ${expected.source} says ${expected.digest}`);
    },
  };
}

export function mismatch(what: string, facts: string): ArtifactError {
  return new ArtifactError(`${what} did not arrive as it was saved: ${facts}`, {
    code: "transfer.digest_mismatch",
    remedy: "the bytes were changed on the way or in the store: save the artifact again",
  });
}

export interface PartsCheck {
  /** The next bytes of part `number`, from 1. */
  update(number: number, chunk: Uint8Array): void;
  /** Once all are there. @throws ArtifactError `transfer.digest_mismatch` */
  verify(): void;
}

/** A check whose parts may come in any order, the bytes of each in theirs. */
export function checkParts(expected: Integrity, what: string): PartsCheck {
  const parts: Hash[] = [];
  return {
    update(number, chunk) {
      let hash = parts[number - 1];
      if (!hash) {
        hash = createHash(expected.algorithm);
        parts[number - 1] = hash;
      }
      hash.update(chunk);
    },
    verify() {
      const whole = createHash(expected.algorithm);
      for (const part of parts) whole.update(part.digest());
      const found = `${whole.digest("hex")}-${parts.length}`;
      if (found === expected.digest) return;
      throw mismatch(what, `${expected.algorithm} ${found}, ${expected.source} says ${expected.digest}`);
    },
  };
}

/** Passes bytes through and compares them at their end, before whoever reads them sees the end. */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  check: IntegrityCheck,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    check.update(chunk);
    yield chunk;
  }
  check.verify();
}

class WholeDigest {
  readonly #hash: Hash;

  constructor(algorithm: string) {
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  value(): string {
    return this.#hash.digest("hex");
  }
}

/**
 * The ETag of an object that came in parts is the MD5 of the parts' MD5s, a dash, and their number; nothing says so but
 * every store that follows Amazon's.
 */
class PartsDigest {
  readonly #algorithm: string;
  readonly #partBytes: (number: number) => number;
  readonly #digests: Buffer[] = [];
  #hash: Hash;
  #left: number;

  constructor(algorithm: string, partBytes: (number: number) => number) {
    this.#algorithm = algorithm;
    this.#partBytes = partBytes;
    this.#hash = createHash(algorithm);
    this.#left = partBytes(1);
  }

  update(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (this.#left === 0) this.#next();
      const taken = rest.subarray(0, this.#left);
      this.#hash.update(taken);
      this.#left -= taken.byteLength;
      rest = rest.subarray(taken.byteLength);
    }
  }

  value(): string {
    this.#digests.push(this.#hash.digest());
    const whole = createHash(this.#algorithm).update(Buffer.concat(this.#digests)).digest("hex");
    return `${whole}-${this.#digests.length}`;
  }

  #next(): void {
    this.#digests.push(this.#hash.digest());
    this.#hash = createHash(this.#algorithm);
    this.#left = this.#partBytes(this.#digests.length + 1);
  }
}
