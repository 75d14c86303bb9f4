import { parse } from "yaml";

/** What the lab understands of a `podSpecPatch`. */
export interface PodSpecPatch {
  /** From SIGTERM to SIGKILL. */
  terminationGracePeriodSeconds?: number;
}

const FIELD = "terminationGracePeriodSeconds";

/** @returns what is wrong with it, when the lab cannot apply it */
export function parsePodSpecPatch(text: string): PodSpecPatch | string {
  let patch: unknown;
  try {
    patch = parse(text);
  } catch {
    return "must be JSON or YAML";
  }
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return "must be an object";
  const other = Object.keys(patch).find((name) => name !== FIELD);
  if (other !== undefined) return `the lab does not understand "${other}" of a podSpecPatch; only "${FIELD}"`;
  const seconds = (patch as PodSpecPatch)[FIELD];
  if (seconds === undefined) return {};
  if (Number.isInteger(seconds) && seconds > 0) return { [FIELD]: seconds };
  return `"${FIELD}" must be a whole number of seconds, at least 1`;
}
