import { maxOf, minOf } from "../html/extremes.js";
import type { NodeGroup, SpanRow } from "../node-groups.ts";
import { spanSeconds, type TraceSpan } from "../span.ts";
import { SPAN_CREATE_POD } from "../span-names.ts";
import type { Trace } from "../trace.ts";

/** These are drawn as a group's heading instead of as rows of their own. */
const IN_HEADING: ReadonlySet<string> = new Set(["workflow", "workflowPhase", "node", "nodePhase"]);

/** From this many hidden spans on, a parent gets a line that says what they were. */
const SUMMARY_FROM = 3;

/** The spans folded away below one span. */
export interface Fold {
  /** All of them, however deep. */
  readonly count: number;
  /** The commonest name among the direct children, when they have one in common. */
  readonly name: string;
  readonly longestSeconds: number;
  readonly spans: readonly TraceSpan[];
}

export interface VisibleRow extends SpanRow {
  /** Hidden spans below this one, told in the row itself. */
  readonly hidden: number;
  /** Many hidden spans below this one, told in a line of their own after the visible ones. */
  readonly fold?: Fold;
}

export interface VisibleGroup {
  readonly group: NodeGroup;
  readonly rows: readonly VisibleRow[];
  /** Spans of the group folded away in all. */
  readonly hidden: number;
  /** Those of them with no shown span above. */
  readonly hiddenAtTop: number;
}

export interface FoldedWaterfall {
  readonly groups: readonly VisibleGroup[];
  readonly hiddenGroups: readonly NodeGroup[];
  readonly hiddenSpans: number;
}

/**
 * Chooses what to show of a trace within about `maxRows` lines: failures first, then whatever took longest, with
 * all that stands above it. What is hidden is shorter than everything shown beside it, and is counted.
 */
export function foldWaterfall(trace: Trace, groups: readonly NodeGroup[], maxRows: number): FoldedWaterfall {
  const weights = weigh(trace, groups);
  const byWeight = groups.toSorted((a, b) => groupWeight(b, weights) - groupWeight(a, weights));
  const shown = new Set(byWeight.slice(0, Math.max(1, Math.floor(maxRows / 2))));
  const room = Math.max(1, maxRows - shown.size);
  const candidates = groups.filter((group) => shown.has(group)).flatMap((group) => rowsOf(group));
  // A parent weighs at least as much as what is below it and comes before it, so no child is shown without it.
  const chosen = new Set(
    candidates
      .toSorted((a, b) => (weights.get(b.span) ?? 0) - (weights.get(a.span) ?? 0))
      .slice(0, room)
      .map((row) => row.span),
  );
  const visible = groups.filter((group) => shown.has(group)).map((group) => foldGroup(group, chosen));
  const hiddenGroups = groups.filter((group) => !shown.has(group));
  const count = (total: number, group: { hidden: number }) => total + group.hidden;
  return {
    groups: visible,
    hiddenGroups,
    hiddenSpans:
      visible.reduce(count, 0) + hiddenGroups.reduce((sum, group) => sum + rowsOf(group).length, 0),
  };
}

function rowsOf(group: NodeGroup): readonly SpanRow[] {
  return group.rows.filter((row) => !IN_HEADING.has(row.span.name));
}

/** The longest duration in each span's subtree; a failure outweighs any duration. */
function weigh(trace: Trace, groups: readonly NodeGroup[]): ReadonlyMap<TraceSpan, number> {
  const weights = new Map<TraceSpan, number>();
  const failureBonus = spanSeconds(trace) + 1;
  for (const { rows } of groups) {
    for (const { span } of rows.toReversed()) {
      const own = spanSeconds(span) + (span.status === "error" ? failureBonus : 0);
      const weight = Math.max(own, weights.get(span) ?? 0);
      weights.set(span, weight);
      const parent = trace.parentOf(span);
      // What the making of a pod caused is shown beside it, not below.
      if (parent && parent.name !== SPAN_CREATE_POD)
        weights.set(parent, Math.max(weight, weights.get(parent) ?? 0));
    }
  }
  return weights;
}

function groupWeight(group: NodeGroup, weights: ReadonlyMap<TraceSpan, number>): number {
  const heading = group.nodeId === "" ? Number.POSITIVE_INFINITY : spanSeconds(group);
  return group.rows.reduce((most, row) => Math.max(most, weights.get(row.span) ?? 0), heading);
}

function foldGroup(group: NodeGroup, chosen: ReadonlySet<TraceSpan>): VisibleGroup {
  const visible: { row: SpanRow; below: SpanRow[] }[] = [];
  const atTop: SpanRow[] = [];
  let hidden = 0;
  /** The shown spans above the row at hand, outermost first. */
  const above: { row: SpanRow; below: SpanRow[] }[] = [];
  for (const row of rowsOf(group)) {
    while ((above.at(-1)?.row.depth ?? -1) >= row.depth) above.pop();
    if (chosen.has(row.span)) {
      const entry = { row, below: [] };
      visible.push(entry);
      above.push(entry);
    } else {
      hidden += 1;
      (above.at(-1)?.below ?? atTop).push(row);
    }
  }
  const rows = visible.map(({ row, below }) =>
    below.length >= SUMMARY_FROM
      ? { ...row, hidden: 0, fold: summarize(below) }
      : { ...row, hidden: below.length },
  );
  return { group, rows, hidden, hiddenAtTop: atTop.length };
}

function summarize(rows: readonly SpanRow[]): Fold {
  const depth = minOf(rows, (row) => row.depth);
  const direct = rows.filter((row) => row.depth === depth);
  const [first] = direct;
  const alike = direct.every((row) => row.span.name === first?.span.name);
  return {
    count: rows.length,
    name: alike ? (first?.span.name ?? "") : "",
    longestSeconds: maxOf(rows, (row) => spanSeconds(row.span)),
    spans: rows.map((row) => row.span),
  };
}
