import { readFileSync } from "node:fs";

export interface DocumentedBlock {
  /** Text of the nearest heading above it. */
  heading: string;
  /** `yaml`, `sh`, … */
  language: string;
  text: string;
}

/** The fenced code blocks of a Markdown page, in order; those inside lists without the list's indentation. */
export function documentedBlocks(page: string): DocumentedBlock[] {
  const blocks: DocumentedBlock[] = [];
  let heading = "";
  let open: { indent: string; block: DocumentedBlock } | undefined;
  for (const line of readFileSync(page, "utf8").split("\n")) {
    if (open === undefined) {
      const [, title] = /^#+ (.*)$/.exec(line) ?? [];
      if (title !== undefined) heading = title;
      const [, indent = "", language] = /^( *)```(\w+)$/.exec(line) ?? [];
      if (language !== undefined) open = { indent, block: { heading, language, text: "" } };
    } else if (line === `${open.indent}\`\`\``) {
      blocks.push(open.block);
      open = undefined;
    } else {
      open.block.text += `${line.startsWith(open.indent) ? line.slice(open.indent.length) : line}\n`;
    }
  }
  if (open !== undefined) throw new Error(`${page}: a code block below "${heading}" has no end`);
  return blocks;
}
