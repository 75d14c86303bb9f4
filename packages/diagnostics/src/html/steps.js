import { el, stageBar } from "./dom.js";
import { maxOf } from "./extremes.js";
import { formatSeconds } from "./format.js";

/** @typedef {import("./page-types.ts").PageStep} PageStep */

/**
 * The steps of a workflow with what their time went into, all bars in one scale.
 * @param {readonly PageStep[]} steps
 */
export function createSteps(steps) {
  const content = el("div", "panel-content");
  const element = el("div", "panel", content);
  if (steps.length === 0) {
    content.append(el("p", "empty", "This trace shows no steps: no span names a node or a pod."));
    return element;
  }
  const longest = maxOf(steps, (step) => step.parts.reduce((sum, [, seconds]) => sum + seconds, 0));
  const parts = steps[0]?.parts.map(([part]) => part) ?? [];
  const head = el("tr", "", el("th", "", "Step"), el("th", "", "Phase"), el("th", "number", "Time"));
  for (const part of parts) {
    head.append(el("th", "number", el("span", `swatch stage-${part.replace(/\W/g, "-")}`), part));
  }
  head.append(el("th", "grow", ""));
  const body = el("tbody");
  for (const step of steps) {
    const cells = step.parts.map(([, seconds]) =>
      el("td", "number minor", seconds > 0 ? formatSeconds(seconds) : "–"),
    );
    const phase = el("span", `badge phase-${step.phase.toLowerCase().replace(/\W/g, "")}`, step.phase);
    body.append(
      el(
        "tr",
        "",
        el("th", "", step.label),
        el("td", "", phase),
        el("td", "number", formatSeconds(step.seconds)),
        ...cells,
        el("td", "grow", stageBar(step.parts, longest)),
      ),
    );
  }
  content.append(
    el("h2", "", "What each step's time went into"),
    el("div", "table-scroll", el("table", "numbers", el("thead", "", head), body)),
  );
  return element;
}
