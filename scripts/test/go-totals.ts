import type { Skip, Totals } from "./totals.ts";

/** One line of `go test -json` (`go doc test2json`), as far as it matters here. */
interface GoEvent {
  Action: string;
  Package?: string;
  /** Absent for what is said about the package as a whole. */
  Test?: string;
  Output?: string;
}

export interface GoTotals extends Totals {
  /** What failing tests and packages printed, and whatever was no event: a compiler's complaints. */
  complaints: string;
}

/**
 * Counts tests and subtests. A package that fails without a failing test – it does not compile, it crashed, it ran
 * out of time – counts as one failure.
 */
export function countGoTests(text: string): GoTotals {
  const outputs = new Map<string, string>();
  const failedTests = new Map<string, number>();
  const totals = { passed: 0, failed: 0, skipped: [] as Skip[], complaints: "" };
  for (const line of text.split("\n")) {
    const event = parseEvent(line);
    if (event === undefined) {
      if (line !== "") totals.complaints += `${line}\n`;
      continue;
    }
    const { Action, Package = "", Test, Output = "" } = event;
    const name = Test === undefined ? Package : `${Package} ${Test}`;
    const output = `${outputs.get(name) ?? ""}${Output}`;
    outputs.set(name, output);
    if (Action === "pass" && Test !== undefined) totals.passed += 1;
    if (Action === "skip" && Test !== undefined) totals.skipped.push({ name, reason: skipReason(output) });
    if (Action === "build-output") totals.complaints += Output;
    if (Action !== "fail") continue;
    if (Test !== undefined) failedTests.set(Package, (failedTests.get(Package) ?? 0) + 1);
    const countsItself = Test !== undefined || !failedTests.has(Package);
    totals.failed += countsItself ? 1 : 0;
    if (countsItself) totals.complaints += output;
  }
  return totals;
}

function parseEvent(line: string): GoEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  return JSON.parse(line) as GoEvent;
}

/** `    x_test.go:12: needs root` is how Go prints the argument of t.Skip. */
function skipReason(output: string): string {
  const reasons = [...output.matchAll(/^\s+\S+_test\.go:\d+: (.*)$/gm)].map(([, reason = ""]) => reason);
  return reasons.at(-1) ?? "no reason given";
}
