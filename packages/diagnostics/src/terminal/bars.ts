/** Blocks from one eighth to seven eighths of a cell, from the left. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A stretch of the time axis, as shares of its width between 0 and 1. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * A bar in cells: where it begins, and its text. It ends exact to an eighth of a cell; its start is rounded to a
 * whole one, as no block is filled from the right. However short, it can be seen, and never leaves the axis.
 */
export function blockBar({ from, to }: Stretch, width: number): { start: number; text: string } {
  const start = Math.min(width - 1, Math.max(0, Math.floor(from * width + 1e-9)));
  const whole = Math.min(width * 8, Math.round(to * width * 8)) - start * 8;
  // A span shorter than a cell shows its length, which says more than where in the cell it ends.
  const own = Math.round((to - from) * width * 8);
  const eighths = Math.max(1, own < 8 ? Math.min(own, whole) : whole);
  return { start, text: "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "") };
}

/** The same stretch drawn with one character throughout, for what is not work: waiting, a node's whole life. */
export function lineBar(
  { from, to }: Stretch,
  width: number,
  character: string,
): { start: number; text: string } {
  const start = Math.min(width - 1, Math.max(0, Math.floor(from * width + 1e-9)));
  const end = Math.min(width, Math.max(start + 1, Math.round(to * width)));
  return { start, text: character.repeat(end - start) };
}

/** Cells for each part in proportion, summing to `width`; what would take less than half a cell may take none. */
export function shareCells(parts: readonly number[], width: number): number[] {
  const total = parts.reduce((sum, part) => sum + part, 0);
  let sum = 0;
  let used = 0;
  return parts.map((part) => {
    sum += part;
    const end = total > 0 ? Math.round((sum / total) * width) : 0;
    const cells = end - used;
    used = end;
    return cells;
  });
}
