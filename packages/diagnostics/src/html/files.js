import { el, svg } from "./dom.js";
import { maxOf, minOf } from "./extremes.js";
import { formatBytes, formatRate, formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageTrace} PageTrace */

/**
 * @typedef {{ file: string, bytes: number, seconds: number, rowIndex: number, failed: boolean, load: boolean }} FilePoint
 */

const WIDTH = 960;
const HEIGHT = 460;
const MARGIN = { left: 70, right: 24, top: 20, bottom: 48 };
/** Lines of equal speed, in bytes per second. */
const RATES = [1e5, 1e6, 1e7, 1e8, 1e9];

/**
 * The files that the trace tells of, from the events of loads and saves.
 * @param {PageTrace} trace
 * @returns {FilePoint[]}
 */
export function filePoints(trace) {
  /** @type {FilePoint[]} */
  const points = [];
  for (const [rowIndex, row] of trace.rows.entries()) {
    for (const event of row.v ?? []) {
      if (event.name !== "download file" && event.name !== "upload file") continue;
      const value = (/** @type {string} */ key) => event.attributes.find(([name]) => name === key)?.[1];
      const seconds = Number(value("argo.file.duration"));
      const bytes = Number(value("file.size") ?? 0);
      if (!(seconds > 0) || !Number.isFinite(bytes)) continue;
      const failed = typeof value("error.type") === "string";
      points.push({
        file: String(value("file") ?? ""),
        bytes,
        seconds,
        rowIndex,
        failed,
        load: event.name === "download file",
      });
    }
  }
  return points;
}

/**
 * Every known file as a point, size against time, both in powers of ten: points on one slanted line moved equally fast.
 * @param {{ trace: PageTrace, goTo: (rowIndex: number) => void }} parts
 */
export function createFiles({ trace, goTo }) {
  const content = el("div", "panel-content");
  const element = el("div", "panel", content);
  const points = filePoints(trace);
  if (points.length === 0) {
    content.append(
      el(
        "p",
        "empty",
        "This trace has no events for single files. Trace at the level files (SKEIN_TRACE=files, or the annotation skein.dev/trace) to have them.",
      ),
    );
    return element;
  }
  const tip = el("div", "tip");
  tip.hidden = true;
  const plot = scatter(points, tip, goTo);
  content.append(
    el("h2", "", "Files by size and time"),
    el(
      "p",
      "hint",
      `${points.length} files told of by events: the first, the slowest and the failed ones of each artifact. Click a point to see its span.`,
    ),
    el("div", "plot", plot, tip),
  );
  return element;
}

/**
 * @param {readonly FilePoint[]} points
 * @param {HTMLElement} tip
 * @param {(rowIndex: number) => void} goTo
 */
function scatter(points, tip, goTo) {
  const x = logScale(
    points.map((point) => Math.max(1, point.bytes)),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = logScale(
    points.map((point) => point.seconds),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const plot = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": "File size against time",
  });
  for (const tick of x.ticks) {
    plot.append(
      svg("line", {
        x1: x.at(tick),
        x2: x.at(tick),
        y1: MARGIN.top,
        y2: HEIGHT - MARGIN.bottom,
        class: "grid-line",
      }),
      svg(
        "text",
        { x: x.at(tick), y: HEIGHT - MARGIN.bottom + 20, "text-anchor": "middle" },
        formatBytes(tick).replace(/\.0+ /, " "),
      ),
    );
  }
  for (const tick of y.ticks) {
    plot.append(
      svg("line", {
        x1: MARGIN.left,
        x2: WIDTH - MARGIN.right,
        y1: y.at(tick),
        y2: y.at(tick),
        class: "grid-line",
      }),
      svg(
        "text",
        { x: MARGIN.left - 10, y: y.at(tick) + 4, "text-anchor": "end" },
        formatSeconds(tick).replace(/\.0+ /, " "),
      ),
    );
  }
  plot.append(...rateLines(x, y));
  for (const point of points) {
    const kind = point.failed ? "failed" : point.load ? "load" : "save";
    const dot = svg("circle", {
      cx: x.at(Math.max(1, point.bytes)),
      cy: y.at(point.seconds),
      r: 4.5,
      class: `dot ${kind}`,
    });
    dot.addEventListener("pointerenter", () => {
      tip.hidden = false;
      const rate = point.bytes > 0 ? ` · ${formatRate(point.bytes / point.seconds)}` : "";
      tip.replaceChildren(
        el("strong", "", point.file),
        ` ${formatBytes(point.bytes)} in ${formatSeconds(point.seconds)}${rate}`,
      );
    });
    dot.addEventListener("pointerleave", () => {
      tip.hidden = true;
    });
    dot.addEventListener("click", () => goTo(point.rowIndex));
    plot.append(dot);
  }
  return plot;
}

/**
 * @param {readonly number[]} values all above 0
 * @param {number} start where the smallest goes
 * @param {number} end
 */
function logScale(values, start, end) {
  let low = Math.floor(Math.log10(minOf(values, Number)));
  const high = Math.ceil(Math.log10(maxOf(values, Number)) + 1e-9);
  if (low === high) low -= 1;
  const at = (/** @type {number} */ value) =>
    start + ((Math.log10(value) - low) / (high - low)) * (end - start);
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { at, ticks, low: 10 ** low, high: 10 ** high };
}

/**
 * @param {ReturnType<typeof logScale>} x
 * @param {ReturnType<typeof logScale>} y
 */
function rateLines(x, y) {
  /** @type {SVGElement[]} */
  const parts = [];
  for (const rate of RATES) {
    const from = Math.max(x.low, y.low * rate);
    const to = Math.min(x.high, y.high * rate);
    if (from >= to) continue;
    parts.push(
      svg("line", {
        x1: x.at(from),
        y1: y.at(from / rate),
        x2: x.at(to),
        y2: y.at(to / rate),
        class: "rate-line",
      }),
      svg(
        "text",
        { x: x.at(to) - 6, y: y.at(to / rate) + 14, "text-anchor": "end", class: "rate" },
        formatRate(rate).replace(/\.0+ /, " "),
      ),
    );
  }
  return parts;
}
