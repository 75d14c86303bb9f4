/** What part of the time axis is shown, in seconds after the trace's start. */

/**
 * @typedef {{ readonly from: number, readonly to: number }} TimeWindow
 */

/** No closer than this many seconds across: spans are exact to a nanosecond, screens are not. */
const LEAST_SECONDS = 1e-6;

/**
 * @param {number} seconds how long the trace is
 * @returns {TimeWindow}
 */
export function wholeWindow(seconds) {
  return { from: 0, to: Math.max(seconds, LEAST_SECONDS) };
}

/**
 * The window moved and, if need be, shrunk until it lies within the trace.
 * @param {TimeWindow} window
 * @param {number} seconds
 * @returns {TimeWindow}
 */
export function clampWindow(window, seconds) {
  const whole = wholeWindow(seconds);
  const width = Math.min(whole.to, Math.max(LEAST_SECONDS, window.to - window.from));
  const from = Math.min(Math.max(0, window.from), whole.to - width);
  return { from, to: from + width };
}

/**
 * Zooms so that the moment at `focus` stays where it is.
 * @param {TimeWindow} window
 * @param {number} factor below 1 zooms in
 * @param {number} focus seconds
 * @param {number} seconds
 */
export function zoomWindow(window, factor, focus, seconds) {
  const from = focus - (focus - window.from) * factor;
  const to = focus + (window.to - focus) * factor;
  if (to - from < LEAST_SECONDS) return window;
  return clampWindow({ from, to }, seconds);
}

/**
 * @param {TimeWindow} window
 * @param {number} share of the window's width; positive moves to later times
 * @param {number} seconds
 */
export function panWindow(window, share, seconds) {
  const by = (window.to - window.from) * share;
  return clampWindow({ from: window.from + by, to: window.to + by }, seconds);
}

/**
 * The same window, moved only if nothing of the span lies in it.
 * @param {TimeWindow} window
 * @param {{ s: number, d: number }} row
 * @param {number} seconds
 */
export function windowShowing(window, row, seconds) {
  if (row.s <= window.to && row.s + row.d >= window.from) return window;
  const by = row.s + row.d / 2 - (window.from + window.to) / 2;
  return clampWindow({ from: window.from + by, to: window.to + by }, seconds);
}

/**
 * The window that shows a span with some room around it.
 * @param {{ s: number, d: number }} row
 * @param {number} seconds
 */
export function windowAround(row, seconds) {
  const room = Math.max(row.d * 0.15, LEAST_SECONDS);
  return clampWindow({ from: row.s - room, to: row.s + row.d + room }, seconds);
}
