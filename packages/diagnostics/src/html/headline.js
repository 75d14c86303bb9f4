import { button, el } from "./dom.js";
import { maxOf } from "./extremes.js";
import { formatCount, formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageData} PageData */
/** @typedef {import("./page-types.ts").PageTrace} PageTrace */
/** @typedef {import("./page-types.ts").PageComparison} PageComparison */

/** A difference between load and save is worth a line at the top from this factor and these seconds on. */
const WORTH_A_FACTOR = 1.5;
const WORTH_SECONDS = 0.5;
/** More lines than this would push the waterfall off the page. */
const MOST_FAILURES = 20;
const MOST_CLOCKS = 3;

/**
 * What the page is about; with several traces, a choice among them.
 * @param {readonly PageTrace[]} traces
 * @param {PageTrace} trace
 * @param {(index: number) => void} open
 */
export function createHeadline(traces, trace, open) {
  const pods = trace.pods > 0 ? `${formatCount(trace.pods)} ${trace.pods === 1 ? "pod" : "pods"}` : "";
  const facts = [formatSeconds(trace.seconds), pods, `${formatCount(trace.spans)} spans`].filter(Boolean);
  const began = new Date(trace.startedAt);
  const when = el("time", "", Number.isNaN(began.getTime()) ? "" : began.toLocaleString());
  when.title = `${trace.startedAt} · trace ${trace.traceId}`;
  const title = traces.length > 1 ? traceChoice(traces, trace, open) : el("h1", "", nameOf(trace));
  const phase =
    trace.phase === "Unknown" ? null : el("span", `badge phase-${trace.phase.toLowerCase()}`, trace.phase);
  return el(
    "div",
    "headline",
    el("span", "brand", "skein"),
    title,
    phase,
    el("span", "headline-facts", `${facts.join(" · ")} · `, when),
  );
}

/** @param {PageTrace} trace */
function nameOf(trace) {
  return trace.workflow || `trace ${trace.traceId.slice(0, 8)}`;
}

/**
 * @param {readonly PageTrace[]} traces
 * @param {PageTrace} trace
 * @param {(index: number) => void} open
 */
function traceChoice(traces, trace, open) {
  const choice = el("select");
  choice.setAttribute("aria-label", "Trace");
  for (const [index, other] of traces.entries()) {
    const option = el("option", "", `${nameOf(other)} (${formatCount(other.spans)} spans)`);
    option.value = String(index);
    option.selected = other === trace;
    choice.append(option);
  }
  choice.addEventListener("change", () => open(Number(choice.value)));
  return choice;
}

/**
 * The lines above the waterfall: what failed, and the transfer that most asks for an answer.
 * @param {{
 *   failures: PageData["failures"],
 *   clocks: PageData["clocks"],
 *   comparisons: readonly PageComparison[],
 *   selectSpan: (spanId: string) => void,
 *   showTransfers: () => void,
 * }} parts
 */
export function createBanners({ failures, clocks, comparisons, selectSpan, showTransfers }) {
  const list = el("ul", "banner");
  for (const failure of failures.slice(0, MOST_FAILURES)) {
    const where = [failure.label, ...failure.path].join(" › ");
    const what = [failure.type, failure.message].filter(Boolean).join(": ");
    const line = button("failure", "", "Show the failed span", () => selectSpan(failure.spanId));
    line.append(el("strong", "", where), " ", what);
    if (failure.remedy) line.append(" ", el("span", "remedy", `→ ${failure.remedy}`));
    list.append(el("li", "", line));
  }
  if (failures.length > MOST_FAILURES) {
    list.append(
      el(
        "li",
        "hint",
        `and ${formatCount(failures.length - MOST_FAILURES)} more: e goes from one to the next`,
      ),
    );
  }
  for (const clock of clocks.slice(0, MOST_CLOCKS)) {
    const line = button("clock-line", "", "Show the span", () => selectSpan(clock.spanId));
    line.append(el("strong", "", [clock.name, clock.detail].filter(Boolean).join(" ")), " ", clock.problem);
    list.append(el("li", "", line));
  }
  if (clocks.length > MOST_CLOCKS) {
    list.append(el("li", "hint", `and ${formatCount(clocks.length - MOST_CLOCKS)} more with such a clock`));
  }
  const telling = mostTelling(comparisons);
  if (telling) {
    const line = button("answer-line", "", "Show load against save", showTransfers);
    line.append(el("strong", "", telling.names.join(", ")), " ", telling.answer);
    list.append(el("li", "", line));
  }
  return list.childElementCount > 0 ? list : null;
}

/**
 * The comparison whose load took most longer than its save.
 * @param {readonly PageComparison[]} comparisons
 */
function mostTelling(comparisons) {
  const extraOf = (/** @type {PageComparison} */ { transfers, loadPerSave = 0 }) => {
    const loads = transfers.filter((transfer) => transfer.direction === "load" && !transfer.failed);
    const load = maxOf(loads, (transfer) => transfer.seconds);
    return loadPerSave > 0 ? load - load / loadPerSave : 0;
  };
  return comparisons
    .filter(
      (comparison) => (comparison.loadPerSave ?? 0) >= WORTH_A_FACTOR && extraOf(comparison) >= WORTH_SECONDS,
    )
    .sort((a, b) => extraOf(b) - extraOf(a))[0];
}
