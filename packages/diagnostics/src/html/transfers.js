import { button, el, stageBar } from "./dom.js";
import { maxOf } from "./extremes.js";
import { formatBytes, formatCount, formatFactor, formatRate, formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageComparison} PageComparison */
/** @typedef {import("./page-types.ts").PageTransfer} PageTransfer */

const STAGES = [
  "packing",
  "credentials",
  "list",
  "first_byte",
  "network",
  "retry_wait",
  "decompress",
  "compress",
  "disk",
  "other",
];

/**
 * Loads against saves: one card for each thing that was moved.
 * @param {{ comparisons: readonly PageComparison[], goTo: (transfer: PageTransfer) => void }} parts
 */
export function createTransfers({ comparisons, goTo }) {
  const content = el("div", "panel-content");
  const element = el("div", "panel", content);
  if (comparisons.length === 0) {
    content.append(el("p", "empty", "No artifact was loaded or saved in this trace."));
    return element;
  }
  const used = STAGES.filter((stage) =>
    comparisons.some((comparison) =>
      comparison.transfers.some((transfer) => transfer.stages.some(([name]) => name === stage)),
    ),
  );
  const legend = el("ul", "stage-legend inline");
  for (const stage of used) {
    legend.append(el("li", "", el("span", `swatch stage-${stage}`), stage.replace("_", " ")));
  }
  content.append(el("header", "panel-head", el("h2", "", "Load against save"), legend));
  for (const comparison of comparisons) content.append(card(comparison, goTo));
  return element;
}

/**
 * @param {PageComparison} comparison
 * @param {(transfer: PageTransfer) => void} goTo
 */
function card(comparison, goTo) {
  const longest = maxOf(comparison.transfers, (transfer) => transfer.seconds);
  const { loadPerSave } = comparison;
  const factor =
    loadPerSave === undefined
      ? null
      : el("span", loadPerSave > 1.2 ? "factor slow" : "factor", `load ${formatFactor(loadPerSave)} save`);
  const body = el("tbody");
  for (const transfer of comparison.transfers) body.append(transferRow(transfer, longest, goTo));
  const headings = ["", "node", "driver", "wire", "unpacked", "files", "time", "rate"].map((text, index) =>
    el("th", index > 2 ? "number" : "", text),
  );
  const head = el("tr", "", ...headings, el("th", "grow", "where the time went"), el("th", "", "bound by"));
  return el(
    "article",
    "card",
    el(
      "header",
      "",
      el("h3", "", comparison.names.join(", ")),
      el("code", "object", comparison.object),
      factor,
    ),
    el("div", "table-scroll", el("table", "numbers", el("thead", "", head), body)),
    el("p", "answer", comparison.answer),
  );
}

/**
 * @param {PageTransfer} transfer
 * @param {number} longest
 * @param {(transfer: PageTransfer) => void} goTo
 */
function transferRow(transfer, longest, goTo) {
  const { bytes, unpackedBytes, files, seconds } = transfer;
  const number = (/** @type {number} */ value, /** @type {string} */ text) =>
    el("td", "number", value > 0 ? text : "–");
  const bar = stageBar(transfer.stages, longest);
  bar.title = transfer.stages
    .map(([stage, value]) => `${stage.replace("_", " ")} ${formatSeconds(value)}`)
    .join("\n");
  const stages = el(
    "span",
    "stage-text",
    transfer.stages
      .slice(0, 3)
      .map(([stage, value]) => `${stage.replace("_", " ")} ${formatSeconds(value)}`)
      .join(" · "),
  );
  const link = button("link", transfer.node || "–", `Show this ${transfer.direction} in the waterfall`, () =>
    goTo(transfer),
  );
  const bound = transfer.failed
    ? el("span", "badge phase-failed", "failed")
    : transfer.boundBy === "none"
      ? "–"
      : el("span", "badge", transfer.boundBy);
  const row = el(
    "tr",
    transfer.failed ? "failed" : "",
    el("td", "", el("span", `direction ${transfer.direction}`, transfer.direction)),
    el("td", "", link),
    el("td", "", transfer.driver),
    number(bytes, formatBytes(bytes)),
    number(unpackedBytes, formatBytes(unpackedBytes)),
    number(files, formatCount(files)),
    el("td", "number", formatSeconds(seconds)),
    number(bytes, formatRate(bytes / (seconds || 1))),
    el("td", "grow", bar, stages),
    el("td", "", bound),
  );
  row.title = transfer.verdict;
  return row;
}
