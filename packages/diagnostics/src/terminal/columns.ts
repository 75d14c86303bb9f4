import { maxOf } from "../html/extremes.js";
import { clip, padEnd, padStart, widthOf } from "./text.ts";

export interface Column {
  readonly heading: string;
  readonly align: "left" | "right";
  /** The most terminal columns it may take, however long its content. Default: no limit. */
  readonly most?: number;
  /** Where room is short: `shrink` is clipped down to 8 first; then those with `drop` go, the last first. */
  readonly narrow?: "shrink" | "drop";
}

const LEAST_SHRUNK = 8;
/** From this width of the terminal on there is room for two spaces between columns. */
const ROOMY = 100;
const INDENT = "  ";

/** Joins the cells of a row; `paint` colours a cell, already as wide as its column. */
export type JoinCells = (
  cells: readonly string[],
  paint?: (column: number, text: string) => string,
) => string;

/** Lays out a table: each column as wide as its content, within the width of the terminal. */
export function layOutColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): JoinCells {
  const gap = " ".repeat(width >= ROOMY ? 2 : 1);
  const widths = columns.map(({ heading, most = Number.POSITIVE_INFINITY }, index) =>
    Math.min(
      most,
      maxOf(rows, (row) => widthOf(row[index] ?? ""), widthOf(heading)),
    ),
  );
  const kept = new Set(columns.keys());
  const excess = () => {
    const shown = [...kept].map((index) => widths[index] ?? 0);
    return shown.reduce((sum, each) => sum + each + gap.length, INDENT.length - gap.length) - width;
  };
  for (const [index, column] of columns.entries()) {
    const own = widths[index] ?? 0;
    if (column.narrow === "shrink")
      widths[index] = Math.min(own, Math.max(LEAST_SHRUNK, own - Math.max(0, excess())));
  }
  for (const index of [...kept].reverse()) {
    if (columns[index]?.narrow === "drop" && excess() > 0) kept.delete(index);
  }
  return (cells, paint = (_column, text) => text) => {
    const padded = [...kept].map((index) => {
      const own = widths[index] ?? 0;
      const cell = clip(cells[index] ?? "", own);
      return paint(index, columns[index]?.align === "right" ? padStart(cell, own) : padEnd(cell, own));
    });
    return INDENT + padded.join(gap);
  };
}
