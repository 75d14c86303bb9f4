import type { HostileArchive, Outcome, Place } from "./hostile-case.ts";
import { archive } from "./tar-parts.ts";

/** A case of the parts as one archive with its end. */
export function tar(
  advisory: string,
  what: string,
  parts: Buffer[] | ((place: Place) => Buffer[]),
  outcome: Outcome,
): HostileArchive {
  return {
    advisory,
    what,
    outcome,
    bytes: (place) => archive(...(typeof parts === "function" ? parts(place) : parts)),
  };
}
