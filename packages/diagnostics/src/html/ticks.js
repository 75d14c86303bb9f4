/** Steps that read as round numbers, in seconds, up to a minute; above, minutes and hours have their own. */
const LONG_STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];

/**
 * @param {number} seconds the least step wanted
 * @returns {number} the next round one: 1, 2 or 5 times a power of ten, or whole minutes and hours
 */
export function roundStep(seconds) {
  if (seconds > 30) return LONG_STEPS.find((step) => step >= seconds) ?? Math.ceil(seconds / 86_400) * 86_400;
  const power = 10 ** Math.floor(Math.log10(Math.max(seconds, 1e-9)));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= seconds * 0.999) ?? 10;
  return Math.min(factor * power, 60);
}

/**
 * The ticks of a time axis.
 * @param {number} from seconds
 * @param {number} to seconds
 * @param {number} most how many there may be
 * @returns {{ step: number, ticks: number[] }}
 */
export function timeTicks(from, to, most) {
  const step = roundStep((to - from) / Math.max(1, most));
  const ticks = [];
  for (let index = Math.ceil(from / step - 1e-6); index * step <= to + step * 1e-6; index += 1) {
    ticks.push(index * step);
  }
  return { step, ticks };
}

/**
 * A tick's text, as exact as the step and no more.
 * @param {number} seconds
 * @param {number} step
 */
export function tickLabel(seconds, step) {
  if (Math.abs(seconds) < step * 1e-6) return "0 s";
  if (step >= 60) {
    const minutes = Math.round(seconds / 60);
    return minutes < 60
      ? `${minutes} m`
      : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
  }
  const [scale, unit] =
    step >= 0.1 || seconds >= 1 ? [1, "s"] : step >= 1e-4 || seconds >= 1e-3 ? [1e3, "ms"] : [1e6, "µs"];
  const decimals = Math.max(0, -Math.floor(Math.log10(step * scale) + 1e-9));
  return `${(seconds * scale).toFixed(decimals)} ${unit}`;
}
