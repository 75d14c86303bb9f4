import { el } from "./dom.js";
import { formatCount } from "./format.js";

/** @typedef {import("./waterfall.js").Waterfall} Waterfall */

/**
 * The search field: marks what it finds while one types; Enter goes from hit to hit.
 * @param {(query: string) => number[]} find
 * @param {Waterfall} waterfall
 * @param {() => void} reveal brings the waterfall into view
 */
export function createSearchBox(find, waterfall, reveal) {
  const input = el("input");
  input.type = "search";
  input.placeholder = "Search the spans";
  input.title = "Every word must be in the span: its name, key=value, an event (/)";
  input.setAttribute("aria-label", "Search spans, attributes and events");
  const count = el("span", "hits");
  count.setAttribute("role", "status");
  /** @type {number[]} */
  let hits = [];
  let at = -1;

  function tell() {
    const all = hits.length === 0 ? "none" : formatCount(hits.length);
    count.textContent = input.value.trim() === "" ? "" : at < 0 ? all : `${formatCount(at + 1)} of ${all}`;
  }

  /** @param {number} by */
  function step(by) {
    if (hits.length === 0) return;
    if (at < 0) at = by > 0 ? 0 : hits.length - 1;
    else at = (at + by + hits.length) % hits.length;
    reveal();
    waterfall.select(hits[at] ?? 0);
    tell();
  }

  function search() {
    hits = find(input.value);
    at = -1;
    waterfall.setMatches(hits);
    tell();
  }

  function clear() {
    input.value = "";
    search();
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      clear();
      waterfall.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  return { element: el("div", "search", input, count), step, clear, focus: () => input.select() };
}
