import { ArtifactError } from "@skein/contract";
import { type CleanName, parentName } from "./clean-entry-name.ts";
import { type RawName, toText } from "./raw-name.ts";
import { limitExceeded, type UnpackLimits } from "./unpack-limits.ts";

/** The kernel gives up after 40 links in one path, some user-space resolvers after 255; beyond that a path leads nowhere. */
const MAX_FOLLOWED = 255;

/**
 * PATH_MAX without its NUL: symlink(2) makes no longer ones. GNU's long link names may have a megabyte, and to follow one
 * of 60,000 components took the better part of a minute.
 */
const MAX_TARGET_BYTES = 4095;

/** Steps for all links together, so that links made to be intricate cannot hold us up: a few seconds. */
const MAX_STEPS = 5_000_000;

/** Looking up a place this deep costs as much as one more step does. */
const COMPONENTS_PER_STEP = 8;

/** The symbolic links of an archive, kept back until everything else is on disk. */
export class LinkTable {
  readonly #targets = new Map<CleanName, RawName>();
  readonly #limits: UnpackLimits;
  #heldBytes = 0;
  #steps = 0;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  has(name: CleanName): boolean {
    return this.#targets.has(name);
  }

  get(name: CleanName): RawName | undefined {
    return this.#targets.get(name);
  }

  delete(name: CleanName): void {
    this.#targets.delete(name);
  }

  /** @throws ArtifactError `archive.limit_exceeded` */
  set(name: CleanName, target: RawName): void {
    if (target.length > MAX_TARGET_BYTES) throw tooLong(name, target);
    this.#heldBytes += name.length + target.length;
    if (this.#heldBytes > this.#limits.maxLinkBytes) {
      throw limitExceeded("maxLinkBytes", this.#limits, `the symbolic links up to ${toText(name)}`);
    }
    this.#targets.set(name, target);
  }

  /**
   * All links, every one of them resolved through all the others as the kernel will do it. Looking at
   * each target alone is not enough: of two links that stay inside when read as text, one can carry
   * the other outside.
   *
   * @throws ArtifactError `archive.path_escape`
   */
  *resolved(): Generator<[name: CleanName, target: RawName]> {
    for (const [name, target] of this.#targets) {
      if (this.#leadsOutside(name, target)) throw illegalLink(name, target);
    }
    yield* this.#targets;
  }

  #leadsOutside(name: CleanName, target: RawName): boolean {
    const parent = parentName(name);
    const at: string[] = parent === "" ? [] : parent.split("/");
    const ahead = target.split("/").reverse();
    let followed = 0;
    for (let step = ahead.pop(); step !== undefined; step = ahead.pop()) {
      if (++this.#steps > MAX_STEPS) throw tooIntricate(name);
      if (step === "" || step === ".") continue;
      if (step === "..") {
        if (at.pop() === undefined) return true;
        continue;
      }
      at.push(step);
      this.#steps += Math.floor(at.length / COMPONENTS_PER_STEP);
      const next = this.#targets.get(at.join("/") as CleanName);
      if (next === undefined) continue;
      if (++followed > MAX_FOLLOWED) return false;
      at.pop();
      ahead.push(...next.split("/").reverse());
    }
    return false;
  }
}

/** The contract's text (§13.1). */
export function illegalLink(name: RawName, target: RawName): ArtifactError {
  return new ArtifactError(`illegal symlink target: ${toText(name)} -> ${toText(target)}`, {
    code: "archive.path_escape",
    remedy: "Links in an archive must be relative and stay inside it; pack the files they point to instead.",
  });
}

function tooLong(name: CleanName, target: RawName): ArtifactError {
  return new ArtifactError(
    `the symbolic link ${toText(name)} has a target of ${target.length} bytes, more than the ${MAX_TARGET_BYTES} a link can have`,
    {
      code: "archive.limit_exceeded",
      remedy: "The archive was not made by a packer; find out who stored it.",
    },
  );
}

function tooIntricate(name: CleanName): ArtifactError {
  return new ArtifactError(
    `the archive's symbolic links are too intricate to be checked, at ${toText(name)}`,
    {
      code: "archive.limit_exceeded",
      remedy: "The archive was not made by a packer; find out who stored it.",
    },
  );
}
