import { el } from "./dom.js";
import { formatCount, formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageRow} PageRow */
/** @typedef {import("./time-window.js").TimeWindow} TimeWindow */

/** At most so many marks for events on a bar; more would be a line. */
const MOST_MARKS = 64;
/** Deeper rows are not set in any further: their names would be gone. */
const MOST_LEVELS = 14;

/**
 * @typedef {{
 *   index: number,
 *   position: number,
 *   row: PageRow,
 *   window: TimeWindow,
 *   folded: boolean,
 *   foldable: boolean,
 *   below: number,
 *   selected: boolean,
 *   match: boolean,
 *   dimmed: boolean,
 * }} RowState
 */

/**
 * One line of the waterfall, to be used again for another row when the list is scrolled.
 * @param {number} height pixels
 */
export function createRowView(height) {
  const twisty = el("span", "twisty");
  const name = el("span", "name");
  const detail = el("span", "detail-of");
  const badge = el("span", "badge");
  const label = el("div", "label", twisty, name, detail, badge);
  const bar = el("div", "bar");
  const marks = el("div", "marks");
  const duration = el("span", "duration");
  const timeline = el("div", "timeline", bar, marks, duration);
  const element = el("div", "row", label, timeline);
  element.setAttribute("role", "row");
  label.setAttribute("role", "gridcell");
  timeline.setAttribute("role", "gridcell");
  let shown = -1;

  /** @param {RowState} state */
  function update(state) {
    const { row, index, position } = state;
    shown = index;
    element.hidden = false;
    element.style.transform = `translateY(${position * height}px)`;
    element.id = `row-${index}`;
    element.className = rowClasses(state);
    element.setAttribute("aria-level", String(row.k + 1));
    element.setAttribute("aria-rowindex", String(position + 1));
    element.setAttribute("aria-selected", String(state.selected));
    if (state.foldable) element.setAttribute("aria-expanded", String(!state.folded));
    else element.removeAttribute("aria-expanded");
    twisty.style.marginLeft = `${Math.min(row.k, MOST_LEVELS) * 14}px`;
    twisty.textContent = state.foldable ? (state.folded ? "▸" : "▾") : "";
    name.textContent = (row.e === undefined ? "" : "✗ ") + row.n;
    detail.textContent = row.k === 0 ? "" : (row.t ?? "");
    label.title = [row.n, row.t, row.m].filter(Boolean).join(" · ");
    badge.textContent = state.folded ? `+${formatCount(state.below)}` : (row.phase ?? "");
    badge.className = `badge${state.folded ? "" : ` phase-${(row.phase ?? "none").toLowerCase().replace(/\W/g, "")}`}`;
    placeBar(state);
  }

  /** @param {RowState} state */
  function placeBar({ row, window }) {
    const width = window.to - window.from;
    const from = (row.s - window.from) / width;
    const to = (row.s + row.d - window.from) / width;
    const left = Math.min(1.01, Math.max(-0.01, from));
    const right = Math.min(1.01, Math.max(-0.01, to));
    bar.style.left = `${left * 100}%`;
    bar.style.width = `${(right - left) * 100}%`;
    bar.hidden = to < 0 || from > 1;
    const text = row.u === 1 ? "no end" : formatSeconds(row.d);
    // Outside the window an arrow says where to look; else the text stands behind the bar, before it, or in it.
    const place =
      to < 0
        ? "off-left"
        : from > 1
          ? "off-right"
          : right < 0.88
            ? "after"
            : left > 0.12
              ? "before"
              : "inside";
    duration.className = `duration ${place}`;
    duration.textContent = place === "off-left" ? `◂ ${text}` : place === "off-right" ? `${text} ▸` : text;
    duration.style.left = place === "after" ? `${right * 100}%` : "";
    duration.style.right = place === "before" ? `${(1 - left) * 100}%` : "";
    placeMarks(row, window);
  }

  /** @param {PageRow} row @param {TimeWindow} window */
  function placeMarks(row, window) {
    const width = window.to - window.from;
    const stretches = row.pending ? [row.pending] : [];
    const events = (row.v ?? []).slice(0, MOST_MARKS);
    const wanted = stretches.length + events.length;
    while (marks.childElementCount > wanted) marks.lastElementChild?.remove();
    while (marks.childElementCount < wanted) marks.append(el("i"));
    const children = /** @type {HTMLCollectionOf<HTMLElement>} */ (marks.children);
    for (const [index, [start, seconds]] of stretches.entries()) {
      const mark = children[index];
      if (!mark) continue;
      const left = Math.max(-0.01, (start - window.from) / width);
      const right = Math.min(1.01, (start + seconds - window.from) / width);
      mark.className = "pending";
      mark.hidden = right <= left;
      mark.style.left = `${left * 100}%`;
      mark.style.width = `${Math.max(0, right - left) * 100}%`;
    }
    for (const [index, event] of events.entries()) {
      const mark = children[stretches.length + index];
      if (!mark) continue;
      const at = (event.at - window.from) / width;
      mark.className = event.name === "exception" || event.name === "retry" ? "event bad" : "event";
      mark.hidden = at < 0 || at > 1;
      mark.style.left = `${at * 100}%`;
      mark.style.width = "";
    }
  }

  function hide() {
    shown = -1;
    element.hidden = true;
    element.removeAttribute("id");
  }

  return { element, update, hide, index: () => shown };
}

/** @param {RowState} state */
function rowClasses({ row, selected, match, dimmed }) {
  const classes = ["row", row.k === 0 ? "heading" : `category-${row.c}`];
  if (row.e !== undefined) classes.push("failed");
  if (row.e === 2) classes.push("cause");
  if (row.u === 1) classes.push("unfinished");
  if (selected) classes.push("selected");
  if (match) classes.push("match");
  if (dimmed) classes.push("dimmed");
  return classes.join(" ");
}
