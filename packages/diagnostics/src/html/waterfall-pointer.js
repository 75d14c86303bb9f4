import { tickLabel } from "./ticks.js";
import { clampWindow } from "./time-window.js";

/** @typedef {import("./waterfall.js").Waterfall} Waterfall */

/** A movement of less than this many pixels is a click. */
const CLICK_PIXELS = 4;

/**
 * What mouse, pen and fingers do to a waterfall.
 * @param {Waterfall} waterfall
 */
export function attachPointer(waterfall) {
  const { scroller, axis, splitter, element } = waterfall;
  const wheel = (/** @type {WheelEvent} */ event) => onWheel(waterfall, event);
  scroller.addEventListener("wheel", wheel, { passive: false });
  axis.addEventListener("wheel", wheel, { passive: false });
  scroller.addEventListener("pointermove", (event) => onHover(waterfall, event));
  scroller.addEventListener("pointerleave", () => element.classList.remove("hovering"));
  scroller.addEventListener("pointerdown", (event) => onPress(waterfall, event));
  scroller.addEventListener("dblclick", (event) => {
    if (event.clientX >= waterfall.timelineBox().left) waterfall.zoomToSelected();
  });
  splitter.addEventListener("pointerdown", (event) => onSplit(waterfall, event));
}

/**
 * The wheel scrolls the rows as anywhere; with Ctrl, Alt or Command, or over the axis, it zooms; with Shift or
 * sideways it moves through time.
 * @param {Waterfall} waterfall
 * @param {WheelEvent} event
 */
function onWheel(waterfall, event) {
  const zooms = event.ctrlKey || event.altKey || event.metaKey || event.currentTarget === waterfall.axis;
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (zooms) {
    event.preventDefault();
    waterfall.zoom(Math.exp(event.deltaY * 0.0025), waterfall.secondsAt(event.clientX));
  } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
    event.preventDefault();
    waterfall.pan(sideways / waterfall.timelineBox().width);
  }
}

/** @param {Waterfall} waterfall @param {PointerEvent} event */
function onHover(waterfall, event) {
  const { left, width } = waterfall.timelineBox();
  const inside = event.clientX >= left && event.clientX <= left + width;
  waterfall.element.classList.toggle("hovering", inside);
  if (!inside) return;
  const x = `${event.clientX - left}px`;
  waterfall.cursor.style.left = x;
  waterfall.cursorTime.style.left = x;
  waterfall.cursorTime.textContent = tickLabel(waterfall.secondsAt(event.clientX), waterfall.step / 10);
}

/**
 * A click selects, a click on the arrow folds, a drag over the bars zooms to what it covers.
 * @param {Waterfall} waterfall
 * @param {PointerEvent} event
 */
function onPress(waterfall, event) {
  if (event.button !== 0) return;
  const target = /** @type {Element} */ (event.target);
  const index = waterfall.indexAt(target);
  const { left, width } = waterfall.timelineBox();
  if (target.closest(".twisty") && index >= 0 && waterfall.list.hasChildren(index)) {
    waterfall.setFolded(index, !waterfall.list.folded.has(index));
  } else if (event.clientX >= left && event.clientX <= left + width) {
    dragBrush(waterfall, event, index);
  } else if (index >= 0) {
    waterfall.select(index, { reveal: false });
  }
}

/** @param {Waterfall} waterfall @param {PointerEvent} press @param {number} index the row under the pointer */
function dragBrush(waterfall, press, index) {
  const { scroller, brush, trace } = waterfall;
  const { left, width } = waterfall.timelineBox();
  const start = press.clientX;
  scroller.setPointerCapture(press.pointerId);
  const move = (/** @type {PointerEvent} */ now) => {
    const at = Math.min(left + width, Math.max(left, now.clientX));
    brush.hidden = Math.abs(at - start) < CLICK_PIXELS;
    brush.style.left = `${Math.min(start, at) - left}px`;
    brush.style.width = `${Math.abs(at - start)}px`;
  };
  const end = (/** @type {PointerEvent} */ now) => {
    scroller.removeEventListener("pointermove", move);
    scroller.removeEventListener("pointerup", end);
    scroller.removeEventListener("pointercancel", end);
    brush.hidden = true;
    if (now.type === "pointercancel") return;
    if (Math.abs(now.clientX - start) < CLICK_PIXELS) {
      if (index >= 0) waterfall.select(index, { reveal: false });
      return;
    }
    const moments = [waterfall.secondsAt(start), waterfall.secondsAt(now.clientX)];
    waterfall.setWindow(clampWindow({ from: Math.min(...moments), to: Math.max(...moments) }, trace.seconds));
  };
  scroller.addEventListener("pointermove", move);
  scroller.addEventListener("pointerup", end);
  scroller.addEventListener("pointercancel", end);
}

/** @param {Waterfall} waterfall @param {PointerEvent} press */
function onSplit(waterfall, press) {
  const { splitter, element } = waterfall;
  splitter.setPointerCapture(press.pointerId);
  const move = (/** @type {PointerEvent} */ now) => {
    const box = element.getBoundingClientRect();
    const width = Math.min(box.width * 0.7, Math.max(160, now.clientX - box.left));
    element.style.setProperty("--label-width", `${Math.round(width)}px`);
    waterfall.resize();
  };
  splitter.addEventListener("pointermove", move);
  splitter.addEventListener("pointerup", () => splitter.removeEventListener("pointermove", move), {
    once: true,
  });
}
