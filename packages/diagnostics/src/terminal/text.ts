const ESCAPE = "\u001b[";

const CODES = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  blue: "34",
  magenta: "35",
  cyan: "36",
  grey: "90",
  brightCyan: "96",
} as const;

export type Style = keyof typeof CODES;

/** Puts text into a style, or leaves it as it is where there is no colour. */
export type Paint = (style: Style, text: string) => string;

export function createPaint(color: boolean): Paint {
  if (!color) return (_style, text) => text;
  return (style, text) => (text === "" ? "" : `${ESCAPE}${CODES[style]}m${text}${ESCAPE}0m`);
}

/** Marks that add nothing to a line's width: combining accents, joiners, variation selectors. */
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** East Asian wide and fullwidth blocks, and pictographs: two columns each. */
const DOUBLE_WIDTH =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/**
 * Text from a trace as one harmless line: control characters, which could move the cursor or rename the
 * window, become `�`; so do the marks that reverse the direction of what follows.
 */
export function printable(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, "\ufffd");
}

/** Columns that printable text takes in a terminal. Knows no styles: measure before painting. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (DOUBLE_WIDTH.test(character)) width += 2;
    else if (!ZERO_WIDTH.test(character)) width += 1;
  }
  return width;
}

/** Shortened to the width with an ellipsis, where it is longer. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return "";
  let kept = "";
  let room = width - 1;
  for (const character of text) {
    room -= widthOf(character);
    if (room < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Clipped in the middle: of a path or a key both ends tell something. */
export function clipMiddle(text: string, width: number): string {
  if (widthOf(text) <= width || width < 8) return clip(text, width);
  const characters = [...text];
  const tail: string[] = [];
  let room = Math.floor((width - 1) / 2);
  for (let at = characters.length - 1; at >= 0; at -= 1) {
    const character = characters[at] ?? "";
    room -= widthOf(character);
    if (room < 0) break;
    tail.unshift(character);
  }
  const end = tail.join("");
  return clip(text, width - widthOf(end)) + end;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/** A space, but not the one that sets the thousands of a number apart. */
const BREAK = / (?!(?<=\d )\d{3}(?!\d))/;

/** Breaks text into lines at spaces; a word longer than a line stands alone and is clipped. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(BREAK)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].map((full) => clipMiddle(full, width));
}
