import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Looks at a process and its descendants every `periodMs`, until `ended` resolves.
 *
 * @returns the largest `RssAnon` that one of them had, in bytes: what it has for itself, without pages of the program's file
 */
export async function peakAnonymousBytes(
  pid: number,
  ended: Promise<unknown>,
  periodMs: number,
): Promise<number> {
  let peak = 0;
  let isRunning = true;
  void ended.finally(() => {
    isRunning = false;
  });
  while (isRunning) {
    for (const one of withDescendants(pid)) peak = Math.max(peak, anonymousBytes(one));
    await delay(periodMs);
  }
  return peak;
}

function withDescendants(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .trim()
        .split(" ")
        .filter(Boolean)
        .map(Number),
    );
    return [pid, ...children.flatMap(withDescendants)];
  } catch {
    return []; // It has ended meanwhile.
  }
}

function anonymousBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It has ended meanwhile.
  }
}
