/** @typedef {import("./page-types.ts").PageRow} PageRow */

/**
 * Which rows are to be seen: those with no folded row above them. Rows come parents first, so everything below a
 * row is the run of deeper rows after it.
 */
export class RowList {
  /** @param {readonly PageRow[]} rows */
  constructor(rows) {
    this.rows = rows;
    /** @type {Set<number>} indexes of folded rows */
    this.folded = new Set();
    /** @type {number[]} indexes of the rows to be seen, in order */
    this.visible = [];
    /** @type {Map<string, number>} */
    this.indexById = new Map();
    for (const [index, row] of rows.entries()) {
      if (row.id !== undefined) this.indexById.set(row.id, index);
    }
    this.refresh();
  }

  refresh() {
    this.visible = [];
    let foldedDepth = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.rows.length; index += 1) {
      const depth = this.rows[index]?.k ?? 0;
      if (depth > foldedDepth) continue;
      foldedDepth = this.folded.has(index) ? depth : Number.POSITIVE_INFINITY;
      this.visible.push(index);
    }
  }

  /** @param {number} index */
  hasChildren(index) {
    return (this.rows[index + 1]?.k ?? -1) > (this.rows[index]?.k ?? 0);
  }

  /**
   * How many rows are below this one, however deep.
   * @param {number} index
   */
  countBelow(index) {
    const depth = this.rows[index]?.k ?? 0;
    let end = index + 1;
    while ((this.rows[end]?.k ?? -1) > depth) end += 1;
    return end - index - 1;
  }

  /** @param {number} index the row above, or -1 */
  parentOf(index) {
    const depth = this.rows[index]?.k ?? 0;
    let at = index - 1;
    while (at >= 0 && (this.rows[at]?.k ?? 0) >= depth) at -= 1;
    return at;
  }

  /**
   * @param {number} index
   * @param {boolean} folded
   */
  setFolded(index, folded) {
    if (!this.hasChildren(index)) return;
    if (folded) this.folded.add(index);
    else this.folded.delete(index);
    this.refresh();
  }

  /** Folds every pod to its heading. */
  foldAll() {
    for (let index = 0; index < this.rows.length; index += 1) {
      if (this.rows[index]?.k === 0 && this.hasChildren(index)) this.folded.add(index);
    }
    this.refresh();
  }

  unfoldAll() {
    this.folded.clear();
    this.refresh();
  }

  /**
   * Unfolds whatever hides the row.
   * @param {number} index
   */
  reveal(index) {
    let changed = false;
    for (let at = this.parentOf(index); at >= 0; at = this.parentOf(at)) {
      changed = this.folded.delete(at) || changed;
    }
    if (changed) this.refresh();
  }

  /**
   * The row's place among those to be seen; the nearest one before it when it is hidden.
   * @param {number} index
   */
  positionOf(index) {
    let low = 0;
    let high = this.visible.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.visible[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
