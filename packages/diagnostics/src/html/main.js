import { createDetail } from "./detail.js";
import { button, el } from "./dom.js";
import { createFiles } from "./files.js";
import { createBanners, createHeadline } from "./headline.js";
import { createHelp, createKeyHandler } from "./keys.js";
import { createSearch } from "./search.js";
import { createSearchBox } from "./search-box.js";
import { createSteps } from "./steps.js";
import { createTabs } from "./tabs.js";
import { setUpTheme } from "./theme.js";
import { createTransfers } from "./transfers.js";
import { Waterfall } from "./waterfall.js";
import { attachPointer } from "./waterfall-pointer.js";

/** @typedef {import("./page-types.ts").PageData} PageData */
/** @typedef {import("./page-types.ts").PageTrace} PageTrace */

/** @returns {PageData} */
function readData() {
  return JSON.parse(document.getElementById("page-data")?.textContent ?? "{}");
}

/** @param {PageData} data */
function start(data) {
  const root = el("div", "app");
  document.body.append(root);
  /** @type {ReturnType<typeof createTracePage> | undefined} */
  let page;
  const toggleTheme = setUpTheme(() => page?.waterfall.resize());
  /** @param {number} index */
  function open(index) {
    const trace = data.traces[index];
    if (!trace) return;
    page = createTracePage(data, trace, { toggleTheme, open });
    root.replaceChildren(page.element);
    page.waterfall.resize();
    page.waterfall.focus();
  }
  document.addEventListener("keydown", (event) => page?.onKey(event));
  open(0);
}

/**
 * @param {PageData} data
 * @param {PageTrace} trace
 * @param {{ toggleTheme: () => void, open: (index: number) => void }} app
 */
function createTracePage(data, trace, app) {
  const ofTrace = (/** @type {{ traceId: string }} */ item) => item.traceId === trace.traceId;
  const comparisons = data.comparisons.filter(({ transfers }) => transfers.some(ofTrace));
  const waterfall = createTraceWaterfall(trace);
  const goToRow = (/** @type {number} */ index) => {
    tabs.show("Waterfall");
    waterfall.select(index);
  };
  const selectSpan = (/** @type {string} */ spanId) => goToRow(waterfall.list.indexById.get(spanId) ?? -1);
  const detail = createTraceDetail(data, waterfall, selectSpan);
  const banners = createBanners({
    failures: data.failures.filter(ofTrace),
    clocks: data.clocks.filter(ofTrace),
    comparisons,
    selectSpan,
    showTransfers: () => tabs.show("Load against save"),
  });
  const area = el("div", "stage-area", waterfall.element, detail.element);
  const tabs = createTabs([
    ["Waterfall", () => el("div", "waterfall-view", banners, area)],
    ["Steps", () => createSteps(data.steps.filter(ofTrace))],
    [
      "Load against save",
      () => createTransfers({ comparisons, goTo: (transfer) => selectSpan(transfer.spanId) }),
    ],
    ["Files", () => createFiles({ trace, goTo: goToRow })],
  ]);
  const search = createSearchBox(createSearch(trace.rows, data.resources), waterfall, () =>
    tabs.show("Waterfall"),
  );
  const help = createHelp();
  const tools = el(
    "div",
    "tools",
    search.element,
    button("quiet icon", "◐", "Light or dark (t)", app.toggleTheme),
    button("quiet icon", "?", "Keys (?)", help.toggle),
  );
  const head = el("header", "page-head", createHeadline(data.traces, trace, app.open), tabs.bar, tools);
  const onKey = createKeyHandler({
    waterfall,
    search,
    tabs,
    help,
    closeDetail: detail.hide,
    nextFailure() {
      tabs.show("Waterfall");
      waterfall.selectNext((index) => trace.rows[index]?.e === 2);
    },
    toggleTheme: app.toggleTheme,
  });
  return { element: el("div", "page", head, ...tabs.views, help.element), waterfall, onKey };
}

/** @param {PageTrace} trace */
function createTraceWaterfall(trace) {
  const waterfall = new Waterfall(trace);
  attachPointer(waterfall);
  waterfall.corner.append(
    button("quiet", "−", "Zoom out (−)", () => waterfall.zoom(1 / 0.6)),
    button("quiet", "+", "Zoom in (+)", () => waterfall.zoom(0.6)),
    button("quiet", "all", "Show the whole trace (0)", () => waterfall.fit()),
    button("quiet", "fold", "Fold all pods (c)", () => waterfall.foldAll()),
    button("quiet", "unfold", "Unfold all (x)", () => waterfall.unfoldAll()),
  );
  // The controller's own book-keeping stands first, but is seldom what one came for.
  const [first] = trace.rows;
  if (trace.pods > 0 && first?.phase !== undefined) waterfall.list.setFolded(0, true);
  return waterfall;
}

/**
 * @param {PageData} data
 * @param {Waterfall} waterfall
 * @param {(spanId: string) => void} selectSpan
 */
function createTraceDetail(data, waterfall, selectSpan) {
  const { trace, list } = waterfall;
  const transfers = new Map(
    data.comparisons.flatMap((comparison) =>
      comparison.transfers.map((transfer) => [transfer.spanId, transfer]),
    ),
  );
  const detail = createDetail({
    resources: data.resources,
    transferOf: (spanId) => transfers.get(spanId),
    nameOf: (spanId) => list.rows[list.indexById.get(spanId) ?? -1]?.n,
    selectSpan,
    zoomTo: () => waterfall.zoomToSelected(),
    close: () => detail.hide(),
  });
  waterfall.onSelect = (index) => {
    const row = list.rows[index];
    if (row) detail.show(row, trace.traceId);
  };
  return detail;
}

start(readData());
