/** A revision that leads from one name, which a server knows, to a commit (gitrevisions(7)). */
export interface Revision {
  /** A branch, a tag, a ref's full name, a whole object name, or `HEAD`. */
  base: string;
  /** `~2^2`: the way back from there; empty mostly. */
  suffix: string;
  /** How many commits that is. */
  generations: number;
}

/** A whole object name: SHA-1, or SHA-256. */
export const OBJECT_NAME = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** From here on it is all of the history, and more than git takes for a depth. */
const MAX_GENERATIONS = 1_000_000;

const SUFFIX = /((?:~\d*|\^\d*|\^\{(?:commit)?\})*)$/;

/** What cannot stand in the name of a ref (git-check-ref-format(1)), or would be a refspec. */
const NOT_A_NAME = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^[-+/]|[/.]$|\.lock$/u;

/**
 * Takes a revision apart as far as a server can be asked for it.
 *
 * @returns nothing for those that only the whole history can tell, such as `main@{yesterday}` and `:/words`
 */
export function parseRevision(revision: string): Revision | undefined {
  const suffix = SUFFIX.exec(revision)?.[1] ?? "";
  const base = revision.slice(0, revision.length - suffix.length);
  const generations = generationsIn(suffix);
  if (base === "" || NOT_A_NAME.test(base) || generations > MAX_GENERATIONS) return undefined;
  return { base: base === "@" ? "HEAD" : base, suffix, generations };
}

function generationsIn(suffix: string): number {
  let generations = 0;
  for (const [, kind, digits] of suffix.matchAll(/([~^])(\d+|(?!\{))/g)) {
    const count = digits === "" ? 1 : Number(digits);
    // `^0` is the commit itself; `^2` is one step, to the second parent.
    generations += kind === "~" ? count : Math.min(1, count);
  }
  return generations;
}
