import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Paths } from "@skein/contract";
import { isMissingFile } from "./file-error.ts";

/**
 * What this pod has loaded into the user's volumes, a path a line. Elsewhere whatever is in the way is the executor's own;
 * in a volume, only this tells an artifact of an interrupted run, which may be replaced, from what was there before.
 */
export interface LoadedIntoVolumes {
  has(target: string): boolean;
  add(target: string): void;
}

export function readLoadedIntoVolumes({ loadedIntoVolumes: file }: Paths): LoadedIntoVolumes {
  const known = new Set(readLines(file));
  return {
    has: (target) => known.has(target),
    add: (target) => {
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, `${JSON.stringify(target)}\n`);
    },
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").flatMap(parseLine);
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}

/** A line that a killed process did not end, or that another container spoilt, makes the artifact somebody else's. */
function parseLine(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" ? [value] : [];
  } catch {
    return [];
  }
}
