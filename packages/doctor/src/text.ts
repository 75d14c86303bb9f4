import { stripVTControlCharacters, styleText } from "node:util";

export interface TextOptions {
  /** Width of the terminal. */
  columns: number;
  color: boolean;
}

export type Paint = (style: "red" | "yellow" | "green" | "dim" | "bold", text: string) => string;

export function createPaint(color: boolean): Paint {
  return (style, text) => (color ? styleText(style, text, { validateStream: false }) : text);
}

/** Whatever a server has said, on one line and without a terminal's commands. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
}

/** Breaks at spaces. A word that is too long, such as a URL, stays whole, so that it can be copied. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
