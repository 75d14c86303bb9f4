// How numbers read, in the terminal and in the page alike: three significant digits, SI units.

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * @param {number} value
 * @returns {string} three significant digits, never in exponent form: 1.23, 12.3, 123, 1230
 */
function threeDigits(value) {
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return value.toFixed(decimals);
}

/** @param {number} seconds e.g. `412 µs`, `340 ms`, `2.04 s`, `3 m 24 s`, `1 h 02 m` */
export function formatSeconds(seconds) {
  if (seconds <= 0) return "0 s";
  if (seconds < 0.0009995) return `${Math.max(1, Math.round(seconds * 1e6))} µs`;
  if (seconds < 0.0995) return `${trimZeros((seconds * 1e3).toFixed(seconds < 0.00995 ? 1 : 0))} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 99.95) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
}

/** @param {string} text */
function trimZeros(text) {
  return text.replace(/\.0+$/, "");
}

/** @param {number} bytes e.g. `812 B`, `12.4 MB`, `1.30 GB` */
export function formatBytes(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

/** @param {number} bytesPerSecond always in MB/s, so that columns compare at a glance */
export function formatRate(bytesPerSecond) {
  const megabytes = bytesPerSecond / 1e6;
  return `${megabytes > 0 && megabytes < 0.01 ? megabytes.toFixed(4) : threeDigits(megabytes)} MB/s`;
}

/** @param {number} count e.g. `41 203` */
export function formatCount(count) {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** @param {number} factor e.g. `3.1×` */
export function formatFactor(factor) {
  return `${factor >= 9.95 ? Math.round(factor) : factor.toFixed(1)}×`;
}
