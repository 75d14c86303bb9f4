import { el } from "./dom.js";

const KEYS = /** @type {const} */ ([
  ["↑ ↓", "previous, next span"],
  ["PgUp PgDn Home End", "further up and down"],
  ["← →", "fold, unfold"],
  ["Enter f", "zoom to the span"],
  ["+ − 0", "zoom in, out, show all"],
  ["[ ]", "earlier, later"],
  ["/", "search"],
  ["n N", "next, previous hit"],
  ["e", "next failure"],
  ["c x", "fold all pods, unfold all"],
  ["1 2 3 4", "the views"],
  ["t", "light or dark"],
  ["Esc", "close, clear"],
]);

/** The list of keys, as a dialog. */
export function createHelp() {
  const list = el("dl");
  for (const [keys, meaning] of KEYS) list.append(el("dt", "", keys), el("dd", "", meaning));
  const hint =
    "Drag over the bars to zoom to what you mark. Ctrl and the wheel zoom, Shift and the wheel move. Double click zooms to a span.";
  const element = el("dialog", "help", el("h2", "", "Keys"), list, el("p", "hint", hint));
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  return { element, toggle: () => (element.open ? element.close() : element.showModal()) };
}

/**
 * @param {{
 *   waterfall: import("./waterfall.js").Waterfall,
 *   search: ReturnType<typeof import("./search-box.js").createSearchBox>,
 *   tabs: ReturnType<typeof import("./tabs.js").createTabs>,
 *   help: ReturnType<typeof createHelp>,
 *   closeDetail: () => void,
 *   nextFailure: () => void,
 *   toggleTheme: () => void,
 * }} parts
 * @returns {(event: KeyboardEvent) => void}
 */
export function createKeyHandler({ waterfall, search, tabs, help, closeDetail, nextFailure, toggleTheme }) {
  /** @type {Map<string, () => void>} */
  const actions = new Map([
    ["ArrowDown", () => waterfall.move(1)],
    ["ArrowUp", () => waterfall.move(-1)],
    ["PageDown", () => waterfall.move(waterfall.pageRows())],
    ["PageUp", () => waterfall.move(-waterfall.pageRows())],
    ["Home", () => waterfall.move(Number.NEGATIVE_INFINITY)],
    ["End", () => waterfall.move(Number.POSITIVE_INFINITY)],
    ["ArrowLeft", () => waterfall.fold(true)],
    ["ArrowRight", () => waterfall.fold(false)],
    ["Enter", () => waterfall.zoomToSelected()],
    ["f", () => waterfall.zoomToSelected()],
    ["+", () => waterfall.zoom(0.6)],
    ["=", () => waterfall.zoom(0.6)],
    ["-", () => waterfall.zoom(1 / 0.6)],
    ["0", () => waterfall.fit()],
    ["[", () => waterfall.pan(-0.25)],
    ["]", () => waterfall.pan(0.25)],
    ["c", () => waterfall.foldAll()],
    ["x", () => waterfall.unfoldAll()],
    ["e", nextFailure],
    ["n", () => search.step(1)],
    ["N", () => search.step(-1)],
    ["/", search.focus],
    ["t", toggleTheme],
    ["?", help.toggle],
    [
      "Escape",
      () => {
        closeDetail();
        search.clear();
      },
    ],
  ]);
  for (const index of tabs.views.keys()) actions.set(String(index + 1), () => tabs.showNth(index));
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {Element} */ (event.target);
    if (target.closest("input, select, dialog[open]")) return;
    // A button in focus keeps what Enter means to it.
    if (event.key === "Enter" && target.closest("button, summary")) return;
    const action = actions.get(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  };
}
