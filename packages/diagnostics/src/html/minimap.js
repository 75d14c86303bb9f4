import { el } from "./dom.js";
import { clampWindow, panWindow, wholeWindow, zoomWindow } from "./time-window.js";

/** @typedef {import("./page-types.ts").PageRow} PageRow */
/** @typedef {import("./time-window.js").TimeWindow} TimeWindow */

const HEIGHT = 56;
/** A movement of less than this many pixels is a click. */
const CLICK_PIXELS = 4;

/**
 * The whole trace in small, with the part that is shown below marked. Dragging chooses another part, or moves the
 * marked one; the wheel zooms.
 * @param {{
 *   rows: readonly PageRow[],
 *   seconds: number,
 *   getWindow: () => TimeWindow,
 *   setWindow: (window: TimeWindow) => void,
 * }} parts
 */
export function createMinimap({ rows, seconds, getWindow, setWindow }) {
  const canvas = el("canvas");
  const before = el("div", "shade");
  const after = el("div", "shade");
  const frame = el("div", "frame");
  const element = el("div", "minimap", canvas, before, after, frame);
  element.title = "Drag to choose what is shown; wheel to zoom";

  function paint() {
    const width = element.clientWidth;
    if (width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const context = canvas.getContext("2d");
    if (!context) return;
    const colorOf = createColorReader(element);
    const drawn = rows.filter((row) => row.k > 0 && row.d > 0);
    const lane = Math.min(3, (HEIGHT - 8) / Math.max(1, drawn.length)) * ratio;
    const scale = canvas.width / wholeWindow(seconds).to;
    const grid = createPixelGrid(canvas.width, canvas.height);
    // Failures last, so that nothing lies over them.
    for (const failed of [false, true]) {
      for (const [index, row] of drawn.entries()) {
        if ((row.e === 2) !== failed) continue;
        grid.fill(failed ? "failed" : `category-${row.c}`, {
          left: row.s * scale,
          top: 4 * ratio + index * lane,
          width: row.d * scale,
          height: lane * 0.8,
        });
      }
    }
    grid.paint(context, colorOf);
  }

  function update() {
    const { from, to } = getWindow();
    const whole = wholeWindow(seconds).to;
    before.style.width = `${(from / whole) * 100}%`;
    after.style.left = `${(to / whole) * 100}%`;
    frame.style.left = `${(from / whole) * 100}%`;
    frame.style.width = `${((to - from) / whole) * 100}%`;
    element.classList.toggle("zoomed", to - from < whole * 0.999);
  }

  const secondsAt = (/** @type {number} */ clientX) => {
    const box = element.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - box.left) / box.width)) * wholeWindow(seconds).to;
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    const start = secondsAt(event.clientX);
    const startX = event.clientX;
    const origin = getWindow();
    const zoomed = element.classList.contains("zoomed");
    const moves = zoomed && start >= origin.from && start <= origin.to;
    const move = (/** @type {PointerEvent} */ now) => {
      if (Math.abs(now.clientX - startX) < CLICK_PIXELS) return;
      const at = secondsAt(now.clientX);
      const by = at - start;
      setWindow(
        moves
          ? clampWindow({ from: origin.from + by, to: origin.to + by }, seconds)
          : clampWindow({ from: Math.min(start, at), to: Math.max(start, at) }, seconds),
      );
    };
    const up = (/** @type {PointerEvent} */ now) => {
      element.removeEventListener("pointermove", move);
      if (Math.abs(now.clientX - startX) < CLICK_PIXELS && zoomed) {
        const { from, to } = getWindow();
        setWindow(panWindow({ from, to }, (start - (from + to) / 2) / (to - from), seconds));
      }
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up, { once: true });
  });
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      setWindow(zoomWindow(getWindow(), Math.exp(event.deltaY * 0.002), secondsAt(event.clientX), seconds));
    },
    { passive: false },
  );
  element.addEventListener("dblclick", () => setWindow(wholeWindow(seconds)));

  return { element, paint, update };
}

/**
 * Bars as pixels, painted as runs of one colour at the end: tens of thousands of bars in 56 lines lie over each other,
 * and a canvas would blend every one of them.
 * @param {number} columns
 * @param {number} lines
 */
function createPixelGrid(columns, lines) {
  const cells = new Uint8Array(columns * lines);
  /** The name of a cell's colour is at its number; 0 is nothing. */
  const names = [""];

  /**
   * At least one pixel in either direction.
   * @param {string} name
   * @param {{ left: number, top: number, width: number, height: number }} bar
   */
  function fill(name, { left, top, width, height }) {
    if (!names.includes(name)) names.push(name);
    const color = names.indexOf(name);
    const from = Math.max(0, Math.min(columns - 1, Math.round(left)));
    const to = Math.min(columns, Math.max(from + 1, Math.round(left + width)));
    const first = Math.max(0, Math.round(top));
    const last = Math.min(lines, Math.max(first + 1, Math.round(top + height)));
    for (let line = first; line < last; line += 1) {
      cells.fill(color, line * columns + from, line * columns + to);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {(name: string) => string} colorOf */
  function paint(context, colorOf) {
    for (let line = 0; line < lines; line += 1) {
      let from = 0;
      for (let column = 1; column <= columns; column += 1) {
        const color = cells[line * columns + from] ?? 0;
        if (column < columns && cells[line * columns + column] === color) continue;
        if (color !== 0) {
          context.fillStyle = colorOf(names[color] ?? "");
          context.fillRect(from, line, column - from, 1);
        }
        from = column;
      }
    }
  }

  return { fill, paint };
}

/**
 * Reads named colours as they are now, light or dark: a canvas knows no variables.
 * @param {HTMLElement} element
 */
function createColorReader(element) {
  const probe = el("i");
  element.append(probe);
  const style = getComputedStyle(probe);
  /** @type {Map<string, string>} */
  const colors = new Map();
  requestAnimationFrame(() => probe.remove());
  return (/** @type {string} */ name) => {
    let color = colors.get(name);
    if (color === undefined) {
      probe.style.color = `var(--${name})`;
      color = style.color;
      colors.set(name, color);
    }
    return color;
  };
}
