import { el } from "./dom.js";
import { createMinimap } from "./minimap.js";
import { RowList } from "./row-list.js";
import { createRowView } from "./row-view.js";
import { tickLabel, timeTicks } from "./ticks.js";
import { panWindow, wholeWindow, windowAround, windowShowing, zoomWindow } from "./time-window.js";

/** @typedef {import("./page-types.ts").PageTrace} PageTrace */
/** @typedef {import("./time-window.js").TimeWindow} TimeWindow */

const ROW_HEIGHT = 26;
/** Rows kept beyond the edges, so that scrolling shows no blank. */
const SPARE_ROWS = 6;

/** The waterfall of one trace. Only the rows in sight are elements, however many there are. */
export class Waterfall {
  /** Called with the index of the row that has been selected. @type {(index: number) => void} */
  onSelect = () => {};
  /** Seconds between two ticks of the axis. */
  step = 1;
  /** The row that is selected, or -1. */
  selected = -1;
  /** @type {Set<number>} rows a search has found */
  #matches = new Set();
  #drawing = false;
  /** @type {ReturnType<typeof createRowView>[]} */
  #views = [];
  #ticks = el("div", "ticks");
  #spacer = el("div", "spacer");
  #grid = el("div", "grid");

  cursorTime = el("span", "cursor-time");
  cursor = el("div", "cursor");
  brush = el("div", "brush");
  splitter = el("div", "splitter");
  /** Above the names: room for buttons. */
  corner = el("div", "corner");
  axis = el("div", "axis", this.#ticks, this.cursorTime);
  scroller = el("div", "scroller", this.#spacer);
  #overlay = el("div", "overlay", this.#grid, this.cursor, this.brush);

  /** @param {PageTrace} trace */
  constructor(trace) {
    this.trace = trace;
    this.list = new RowList(trace.rows);
    /** @type {TimeWindow} */
    this.window = wholeWindow(trace.seconds);
    this.minimap = createMinimap({
      rows: trace.rows,
      seconds: trace.seconds,
      getWindow: () => this.window,
      setWindow: (window) => this.setWindow(window),
    });
    this.brush.hidden = true;
    this.splitter.title = "Drag to change the width of the names";
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "treegrid");
    this.scroller.setAttribute("aria-label", "Spans by pod, in order of time");
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.top = el(
      "div",
      "waterfall-top",
      this.corner,
      el("div", "top-right", this.minimap.element, this.axis),
    );
    const body = el("div", "waterfall-body", this.#overlay, this.scroller, this.splitter);
    this.element = el("div", "waterfall", this.top, body);
    new ResizeObserver(() => this.resize()).observe(this.scroller);
  }

  /** Draws with the next frame, once however often it is asked to. */
  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#drawAxis();
      this.#drawRows();
      this.minimap.update();
    });
  }

  /** To be called when the size or the colours have changed. */
  resize() {
    const bar = `${this.scroller.offsetWidth - this.scroller.clientWidth}px`;
    this.top.style.paddingRight = bar;
    this.#overlay.style.right = bar;
    this.minimap.paint();
    this.draw();
  }

  #drawRows() {
    const count = this.list.visible.length;
    this.#stretch();
    this.scroller.setAttribute("aria-rowcount", String(count));
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const last = Math.min(count, first + Math.ceil(this.scroller.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS);
    while (this.#views.length < last - first) {
      const view = createRowView(ROW_HEIGHT);
      this.#views.push(view);
      this.#spacer.append(view.element);
    }
    for (const [offset, view] of this.#views.entries()) {
      const position = first + offset;
      const index = position < last ? this.list.visible[position] : undefined;
      if (index === undefined) view.hide();
      else this.#updateView(view, index, position);
    }
    if (this.selected >= 0) this.scroller.setAttribute("aria-activedescendant", `row-${this.selected}`);
  }

  /** @param {ReturnType<typeof createRowView>} view @param {number} index @param {number} position */
  #updateView(view, index, position) {
    const row = this.list.rows[index];
    if (!row) return;
    const folded = this.list.folded.has(index);
    view.update({
      index,
      position,
      row,
      window: this.window,
      folded,
      foldable: this.list.hasChildren(index),
      below: folded ? this.list.countBelow(index) : 0,
      selected: index === this.selected,
      match: this.#matches.has(index),
      dimmed: this.#matches.size > 0 && !this.#matches.has(index),
    });
  }

  #stretch() {
    this.#spacer.style.height = `${(this.list.visible.length + 1) * ROW_HEIGHT}px`;
  }

  #drawAxis() {
    const { from, to } = this.window;
    const { step, ticks } = timeTicks(from, to, Math.max(2, Math.floor(this.timelineBox().width / 110)));
    this.step = step;
    const place = (/** @type {HTMLElement} */ element, /** @type {number} */ moment) => {
      element.style.left = `${((moment - from) / (to - from)) * 100}%`;
      return element;
    };
    this.#ticks.replaceChildren(
      ...ticks.map((moment) => place(el("span", "tick", tickLabel(moment, step)), moment)),
    );
    this.#grid.replaceChildren(...ticks.map((moment) => place(el("i"), moment)));
  }

  /** Where the bars are, in pixels of the browser's window. */
  timelineBox() {
    const box = this.scroller.getBoundingClientRect();
    const labels = this.corner.offsetWidth;
    return { left: box.left + labels, width: Math.max(1, this.scroller.clientWidth - labels) };
  }

  /** @param {number} clientX */
  secondsAt(clientX) {
    const { left, width } = this.timelineBox();
    const share = Math.min(1, Math.max(0, (clientX - left) / width));
    return this.window.from + share * (this.window.to - this.window.from);
  }

  /** @param {TimeWindow} window */
  setWindow(window) {
    this.window = window;
    this.draw();
  }

  /** @param {number} factor below 1 zooms in @param {number} [focus] seconds that stay in place */
  zoom(factor, focus = (this.window.from + this.window.to) / 2) {
    this.setWindow(zoomWindow(this.window, factor, focus, this.trace.seconds));
  }

  /** @param {number} share of what is shown */
  pan(share) {
    this.setWindow(panWindow(this.window, share, this.trace.seconds));
  }

  fit() {
    this.setWindow(wholeWindow(this.trace.seconds));
  }

  zoomToSelected() {
    const row = this.list.rows[this.selected];
    if (row) this.setWindow(windowAround(row, this.trace.seconds));
  }

  /** @param {number} index @param {{ reveal?: boolean }} [options] reveal: scroll to it, unfold what hides it */
  select(index, { reveal = true } = {}) {
    if (index < 0 || index >= this.list.rows.length) return;
    this.selected = index;
    if (reveal) {
      this.list.reveal(index);
      this.#stretch();
      this.#scrollTo(this.list.positionOf(index));
      const row = this.list.rows[index];
      if (row) this.window = windowShowing(this.window, row, this.trace.seconds);
    }
    this.draw();
    this.onSelect(index);
  }

  /** @param {number} position */
  #scrollTo(position) {
    const { scroller } = this;
    const top = position * ROW_HEIGHT;
    const bottom = top + ROW_HEIGHT * 3 - scroller.clientHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = Math.max(0, top - ROW_HEIGHT * 2);
    else if (bottom > scroller.scrollTop) scroller.scrollTop = bottom;
  }

  /** @param {number} by rows to go down; more than there are goes to the end */
  move(by) {
    const { visible } = this.list;
    const above = by > 0 ? -1 : visible.length;
    const position = this.selected < 0 ? above : this.list.positionOf(this.selected);
    const next = visible[Math.min(visible.length - 1, Math.max(0, position + by))];
    if (next !== undefined) this.select(next);
  }

  /** Rows that fit, for paging. */
  pageRows() {
    return Math.max(1, Math.floor(this.scroller.clientHeight / ROW_HEIGHT) - 1);
  }

  /** Goes to the next row for which the test holds, around the end. @param {(index: number) => boolean} test */
  selectNext(test) {
    const count = this.list.rows.length;
    for (let step = 1; step <= count; step += 1) {
      const index = (this.selected + step + count) % count;
      if (test(index)) return this.select(index);
    }
  }

  /** Folds or unfolds the selected row; where there is nothing to fold, goes to the row above. @param {boolean} folded */
  fold(folded) {
    if (this.selected < 0) return;
    if (folded && (this.list.folded.has(this.selected) || !this.list.hasChildren(this.selected))) {
      this.select(this.list.parentOf(this.selected));
    } else {
      this.setFolded(this.selected, folded);
    }
  }

  /** @param {number} index @param {boolean} folded */
  setFolded(index, folded) {
    this.list.setFolded(index, folded);
    this.draw();
  }

  foldAll() {
    this.list.foldAll();
    this.draw();
  }

  unfoldAll() {
    this.list.unfoldAll();
    this.draw();
  }

  /** @param {Iterable<number>} matches what a search has found; the other rows fade */
  setMatches(matches) {
    this.#matches = new Set(matches);
    this.draw();
  }

  focus() {
    this.scroller.focus({ preventScroll: true });
  }

  /** The row an element belongs to, or -1. @param {Element} element */
  indexAt(element) {
    const row = element.closest(".row");
    return this.#views.find((view) => view.element === row)?.index() ?? -1;
  }
}
