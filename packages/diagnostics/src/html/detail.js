import { attributeTable } from "./attribute-table.js";
import { button, el, stageBar } from "./dom.js";
import { formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageRow} PageRow */
/** @typedef {import("./page-types.ts").PageTransfer} PageTransfer */
/** @typedef {import("./page-types.ts").PageAttributes} PageAttributes */

/** More events than this are shown only when asked for: each is a piece of the document. */
const FIRST_EVENTS = 40;

/**
 * The panel that tells everything about one row.
 * @param {{
 *   resources: readonly PageAttributes[],
 *   transferOf: (spanId: string) => PageTransfer | undefined,
 *   selectSpan: (spanId: string) => void,
 *   nameOf: (spanId: string) => string | undefined,
 *   zoomTo: (row: PageRow) => void,
 *   close: () => void,
 * }} parts
 */
export function createDetail(parts) {
  const element = el("aside", "detail");
  element.setAttribute("aria-label", "Details of the selected span");
  element.hidden = true;

  /** @param {PageRow} row @param {string} traceId */
  function show(row, traceId) {
    element.hidden = false;
    element.scrollTop = 0;
    element.replaceChildren(
      detailHeader(row, parts),
      ...problem(row),
      factList(row, traceId, parts),
      ...transferSection(row, parts),
      ...section("Attributes", row.a ? attributeTable(row.a) : undefined),
      ...eventSection(row),
      ...section(
        "Resource",
        row.r === undefined ? undefined : attributeTable(parts.resources[row.r] ?? []),
        true,
      ),
    );
  }

  function hide() {
    element.hidden = true;
    element.replaceChildren();
  }

  return { element, show, hide };
}

/**
 * @param {PageRow} row
 * @param {{ zoomTo: (row: PageRow) => void, close: () => void }} parts
 */
function detailHeader(row, parts) {
  const title = el("h2", "", row.n, row.t ? el("span", "aside", row.t) : null);
  const tools = el(
    "div",
    "detail-tools",
    button("quiet", "Zoom to it", "Zoom to this span (f)", () => parts.zoomTo(row)),
    button("quiet icon", "✕", "Close (Esc)", parts.close),
  );
  return el("header", "", title, tools);
}

/** @param {PageRow} row */
function problem(row) {
  const notices = row.w ? [el("p", "notice", row.w)] : [];
  if (row.e === undefined)
    return row.u === 1 && !row.w ? [el("p", "notice", "This span was written without an end.")] : notices;
  const type = row.a?.find(([key]) => key === "error.type")?.[1];
  const message = row.m || "failed";
  return [
    ...notices,
    el("p", "problem", type ? el("strong", "", String(type)) : null, type ? ": " : "", message),
  ];
}

/**
 * @param {PageRow} row
 * @param {string} traceId
 * @param {{ selectSpan: (spanId: string) => void, nameOf: (spanId: string) => string | undefined }} parts
 */
function factList(row, traceId, parts) {
  const list = el("dl", "facts");
  /** @param {string} name @param {Node | string | undefined} value */
  const fact = (name, value) => {
    if (value !== undefined && value !== "") list.append(el("dt", "", name), el("dd", "", value));
  };
  fact("took", row.u === 1 ? "unknown" : formatSeconds(row.d));
  fact("began", `${formatSeconds(row.s)} after the start`);
  fact("phase", row.phase);
  const { p: parentId } = row;
  const parentName = parentId === undefined ? undefined : parts.nameOf(parentId);
  if (parentId !== undefined) {
    fact(
      "parent",
      parentName
        ? button("link", parentName, "Go to the parent", () => parts.selectSpan(parentId))
        : `${parentId} (not in this trace)`,
    );
  }
  fact("kind", row.kind);
  fact("scope", row.scope);
  fact("span", row.id);
  fact("trace", traceId);
  return list;
}

/**
 * @param {PageRow} row
 * @param {{ transferOf: (spanId: string) => PageTransfer | undefined }} parts
 */
function transferSection(row, parts) {
  const transfer = row.id === undefined ? undefined : parts.transferOf(row.id);
  if (!transfer) return [];
  const legend = el("ul", "stage-legend");
  for (const [stage, seconds] of transfer.stages) {
    const share = Math.round((seconds / transfer.seconds) * 100);
    legend.append(
      el(
        "li",
        "",
        el("span", `swatch stage-${stage}`),
        `${stage.replace("_", " ")} `,
        el("span", "number", `${formatSeconds(seconds)} · ${share} %`),
      ),
    );
  }
  return [
    el(
      "section",
      "",
      el("h3", "", "Where the time went"),
      stageBar(transfer.stages, transfer.seconds),
      legend,
      el("p", "verdict", transfer.verdict),
    ),
  ];
}

/** @param {PageRow} row */
function eventSection(row) {
  const events = row.v ?? [];
  if (events.length === 0) return [];
  const list = el("ol", "events");
  /** @param {typeof events} some */
  const append = (some) => {
    for (const event of some) {
      const title = el(
        "summary",
        "",
        el("span", "event-at", formatSeconds(Math.max(0, event.at - row.s))),
        eventTitle(event),
      );
      const item = el(
        "details",
        event.name === "exception" ? "exception" : "",
        title,
        attributeTable(event.attributes),
      );
      item.open = event.name === "exception";
      list.append(el("li", "", item));
    }
  };
  append(events.slice(0, FIRST_EVENTS));
  const rest = events.slice(FIRST_EVENTS);
  const heading = el("h3", "", "Events", el("span", "count", String(events.length)));
  if (rest.length === 0) return [el("section", "", heading, list)];
  const more = button("quiet", `Show ${rest.length} more`, "Show all events", () => {
    more.remove();
    append(rest);
  });
  return [el("section", "", heading, list, more)];
}

/** @param {import("./page-types.ts").PageEvent} event */
function eventTitle(event) {
  const telling = event.attributes.find(
    ([key]) => key === "file" || key === "exception.type" || key === "error.type",
  );
  return el("span", "event-name", event.name, telling ? el("span", "aside", String(telling[1])) : null);
}

/**
 * @param {string} title
 * @param {HTMLElement | undefined} content
 * @param {boolean} [folded]
 */
function section(title, content, folded = false) {
  if (!content) return [];
  if (!folded) return [el("section", "", el("h3", "", title), content)];
  return [el("section", "", el("details", "", el("summary", "", title), content))];
}
