import { type ArtifactTransfer, type PartName, partsOf, wholeSeconds } from "./artifact-transfer.ts";
import type { PathPart } from "./critical-path.ts";
import { formatBytes, formatCount, formatFactor, formatRate, formatSeconds } from "./html/format.js";
import type { Report } from "./report.ts";
import { STAGE_PHRASES } from "./verdict.ts";

/** A figure of the first run against the same one of the second; seconds. */
export interface Change {
  readonly before: number;
  readonly after: number;
}

/** A stretch of the critical path of one run or both. The differences of all of them add up to that of the runs. */
export interface PathChange extends Change {
  /** The step; empty for the time between steps. */
  readonly label: string;
  readonly part: PathPart;
  /** Why, as far as the traces tell; may be empty. */
  readonly why: string;
}

export interface TransferChange extends Change {
  readonly label: string;
  readonly name: string;
  readonly direction: "load" | "save";
  readonly why: string;
}

/** What `skein diff --json` prints. */
export interface ReportDiff {
  readonly runs: readonly [RunFacts, RunFacts];
  readonly seconds: Change;
  /** Where the difference lies, the largest first. */
  readonly path: readonly PathChange[];
  /** Artifacts that both runs moved and that took noticeably longer or shorter, the largest difference first. */
  readonly transfers: readonly TransferChange[];
  /** Steps and artifacts that only one of the runs has: `step`, or `step › artifact`. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** What failed in the second run and not in the first: `step: type: message`. */
  readonly newFailures: readonly string[];
}

export interface RunFacts {
  readonly workflow: string;
  readonly phase: string;
  readonly traceId: string;
}

/** Less than this, or than the share, is what two equal runs differ by. */
const NOISE_SECONDS = 0.1;
const NOISE_SHARE = 0.1;

/** Compares the largest trace of each report: two runs of one workflow, or of two versions of it. */
export function compareReports(before: Report, after: Report): ReportDiff {
  const transfers = compareTransferLists(before, after);
  const [a, b] = [stepsOf(before), stepsOf(after)];
  const [moved, movedAfter] = [transfersByKey(before), transfersByKey(after)];
  return {
    runs: [factsOf(before), factsOf(after)],
    seconds: { before: before.traces[0]?.seconds ?? 0, after: after.traces[0]?.seconds ?? 0 },
    path: comparePaths(before, after, transfers),
    transfers: transfers.filter(isNoticeable),
    onlyBefore: [...missing(a, b), ...missing(moved, movedAfter)],
    onlyAfter: [...missing(b, a), ...missing(movedAfter, moved)],
    newFailures: newFailures(before, after),
  };
}

function factsOf({ traces: [trace] }: Report): RunFacts {
  return { workflow: trace?.workflow ?? "", phase: trace?.phase ?? "Unknown", traceId: trace?.traceId ?? "" };
}

/** The controller's name of a step is the same in every run; where only its template is known, an ID was added to it. */
function stepKey(label: string): string {
  return label.replace(/ \([^)]*\)$/, "");
}

function stepsOf(report: Report): Map<string, unknown> {
  return new Map(report.steps.map(({ label }) => [stepKey(label), label]));
}

function missing(of: ReadonlyMap<string, unknown>, from: ReadonlyMap<string, unknown>): string[] {
  return [...of.keys()].filter((key) => !from.has(key)).map((key) => key.replace(/ (load|save)$/, ""));
}

/** By step, name and direction; of several attempts the last. */
function transfersByKey(report: Report): Map<string, ArtifactTransfer> {
  const labels = new Map(report.steps.map(({ node, label }) => [node, stepKey(label)]));
  return new Map(
    report.artifacts.map((transfer) => {
      const { node, name, direction } = transfer;
      return [`${labels.get(node) ?? node} › ${name} ${direction}`, transfer];
    }),
  );
}

function compareTransferLists(before: Report, after: Report): TransferChange[] {
  const [a, b] = [transfersByKey(before), transfersByKey(after)];
  const changes: TransferChange[] = [];
  for (const [key, then] of a) {
    const now = b.get(key);
    if (!now) continue;
    changes.push({
      label: key.split(" › ")[0] ?? "",
      name: now.name,
      direction: now.direction,
      before: wholeSeconds(then),
      after: wholeSeconds(now),
      why: whyChanged(then, now),
    });
  }
  return changes.sort((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before));
}

function isNoticeable({ before, after }: Change): boolean {
  return Math.abs(after - before) > Math.max(NOISE_SECONDS, NOISE_SHARE * Math.min(before, after));
}

/** What differs besides the time: the amount first, then the stage that explains most, with rates. */
function whyChanged(before: ArtifactTransfer, after: ArtifactTransfer): string {
  const reasons: string[] = [];
  if (after.error)
    reasons.push(`failed: ${[after.error.type, after.error.message].filter(Boolean).join(": ")}`);
  if (differs(before.unpackedBytes, after.unpackedBytes)) {
    reasons.push(`${formatBytes(after.unpackedBytes)} instead of ${formatBytes(before.unpackedBytes)}`);
  } else if (differs(before.bytes, after.bytes)) {
    reasons.push(`${formatBytes(after.bytes)} on the wire instead of ${formatBytes(before.bytes)}`);
  }
  if (differs(before.files, after.files))
    reasons.push(`${formatCount(after.files)} files instead of ${formatCount(before.files)}`);
  if (after.retries !== before.retries)
    reasons.push(`${formatCount(after.retries)} retries instead of ${formatCount(before.retries)}`);
  const part = partThatChanged(before, after);
  if (part) {
    const [then, now] = [partsOf(before)[part] ?? 0, partsOf(after)[part] ?? 0];
    const moved = part === "packing" ? "" : rates(before, after);
    reasons.push(`${formatSeconds(now)} instead of ${formatSeconds(then)} ${STAGE_PHRASES[part]}${moved}`);
  }
  return reasons.join(", ");
}

function partThatChanged(before: ArtifactTransfer, after: ArtifactTransfer): PartName | undefined {
  const [then, now] = [partsOf(before), partsOf(after)];
  const parts = new Set([...Object.keys(then), ...Object.keys(now)] as PartName[]);
  const sign = Math.sign(wholeSeconds(after) - wholeSeconds(before));
  const [first] = [...parts]
    .map((part) => ({ part, change: sign * ((now[part] ?? 0) - (then[part] ?? 0)) }))
    .sort((a, b) => b.change - a.change);
  return first && first.change > 0 ? first.part : undefined;
}

function rates(before: ArtifactTransfer, after: ArtifactTransfer): string {
  if (before.bytes <= 0 || after.bytes <= 0 || before.seconds <= 0 || after.seconds <= 0) return "";
  return ` (${formatRate(after.bytes / after.seconds)} instead of ${formatRate(before.bytes / before.seconds)})`;
}

/** Amounts within a few per cent are the same thing built again. */
function differs(before: number, after: number): boolean {
  return before > 0 && after > 0 && Math.abs(after - before) > 0.05 * before;
}

function comparePaths(before: Report, after: Report, transfers: readonly TransferChange[]): PathChange[] {
  const [a, b] = [pathByKey(before), pathByKey(after)];
  const changes = [...new Set([...a.keys(), ...b.keys()])].map((key) => {
    const [label = "", part = "between"] = key.split("\n");
    const change = { label, part: part as PathPart, before: a.get(key) ?? 0, after: b.get(key) ?? 0 };
    return { ...change, why: whyPathChanged(change, transfers, after) };
  });
  return changes.sort((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before));
}

function pathByKey({ traces: [trace] }: Report): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const segment of trace?.criticalPath ?? []) {
    const key = `${stepKey(segment.label || segment.node)}\n${segment.part}`;
    seconds.set(key, (seconds.get(key) ?? 0) + segment.seconds);
  }
  return seconds;
}

function whyPathChanged(
  change: { label: string; part: PathPart; before: number; after: number },
  transfers: readonly TransferChange[],
  after: Report,
): string {
  if (change.part === "main" && change.before === 0) return "was not on the critical path before";
  if (change.part === "main" && change.after === 0) return "is no longer on the critical path";
  if (change.part === "pending") {
    return after.steps.find(({ label }) => stepKey(label) === change.label)?.pendingReason ?? "";
  }
  if (change.part !== "load" && change.part !== "save") return "";
  const cause = transfers.find(
    ({ label, direction, before, after: now }) =>
      label === change.label &&
      direction === change.part &&
      Math.sign(now - before) === Math.sign(change.after - change.before),
  );
  return cause?.why ? `${cause.name}: ${cause.why}` : "";
}

function newFailures(before: Report, after: Report): string[] {
  const name = ({ label, type, message }: Report["failures"][number]): string =>
    [stepKey(label), type, message].filter(Boolean).join(": ");
  const kind = ({ label, type }: Report["failures"][number]): string => `${stepKey(label)}: ${type}`;
  const known = new Set(before.failures.map(kind));
  return after.failures.filter((failure) => !known.has(kind(failure))).map(name);
}

/** One sentence: which run took longer, by how much, and where most of it lies. */
export function diffSentence({ seconds, path }: ReportDiff): string {
  const { before, after } = seconds;
  const durations = `${formatSeconds(after)} against ${formatSeconds(before)}`;
  if (!isNoticeable(seconds)) return `Both runs took about as long (${durations}).`;
  const isSlower = after > before;
  const factor = isSlower ? after / Math.max(before, 1e-9) : before / Math.max(after, 1e-9);
  const [main] = path.filter(
    (change) => Math.sign(change.after - change.before) === Math.sign(after - before),
  );
  const where = main ? `; most of it is ${describePart(main)} (${signed(main.after - main.before)})` : "";
  const how = isSlower ? "longer" : "less";
  return `The second run took ${formatSeconds(Math.abs(after - before))} ${how} (${durations}, ${formatFactor(factor)})${where}.`;
}

export function describePart({ label, part }: { label: string; part: PathPart }): string {
  if (part === "between") return "the time between steps";
  const words = {
    pending: "waiting for the pod of",
    load: "loading in",
    main: "the work of",
    save: "saving in",
    overhead: "starting and ending of",
    untraced: "the untraced pod of",
  };
  return `${words[part]} ${label}`;
}

export function signed(seconds: number): string {
  return `${seconds < 0 ? "−" : "+"}${formatSeconds(Math.abs(seconds))}`;
}
