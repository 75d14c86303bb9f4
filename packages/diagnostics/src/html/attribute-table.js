import { el } from "./dom.js";
import { formatBytes, formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageAttributes} PageAttributes */
/** @typedef {import("./page-types.ts").PageValue} PageValue */

/** Attributes whose number means seconds, or bytes. */
const SECONDS = /^argo\.artifact\.time\.|^argo\.file\.duration$|^argo\.retry\.delay$/;
const BYTES = /(^|[._])(bytes|size|offset)$/;

/**
 * The value as text, with its unit where the name tells one.
 * @param {string} key
 * @param {PageValue} value
 */
export function valueText(key, value) {
  if (value === null) return "(empty)";
  if (typeof value !== "number") return String(value);
  if (SECONDS.test(key)) return formatSeconds(value);
  if (BYTES.test(key) && value >= 1000) return `${value} (${formatBytes(value)})`;
  return String(value);
}

/**
 * A dotted name that may be broken after its dots and underscores.
 * @param {string} key
 */
function breakable(key) {
  return key.split(/(?<=[._])/).flatMap((part) => [part, el("wbr")]);
}

/** @param {PageAttributes} attributes */
export function attributeTable(attributes) {
  const table = el("table", "attributes");
  const body = el("tbody");
  for (const [key, value] of attributes) {
    const text = valueText(key, value);
    const long = text.includes("\n");
    const cell = el(
      "td",
      long ? "" : typeof value === "number" ? "number" : "",
      long ? el("pre", "", text) : text,
    );
    body.append(el("tr", "", el("th", "", ...breakable(key)), cell));
  }
  table.append(body);
  return table;
}
