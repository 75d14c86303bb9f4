import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseAllDocuments } from "yaml";
import type { Position, Problem } from "../errors.ts";
import type { Path } from "./tags.ts";

/** One document of a YAML stream, as plain values, with the place of each of them. */
export interface SourceDocument {
  value: unknown;
  /** Where the field, or the item of a list, stands; for something that is not in the text, where its nearest ancestor does. */
  position(path: Path): Position;
}

/** Reads a YAML stream. Syntax errors and duplicate keys come back as problems, beside what could be read. */
export function parseYaml(text: string): { documents: SourceDocument[]; problems: Problem[] } {
  const lines = new LineCounter();
  // Kubernetes' own reader understands merge keys (`<<`), which YAML 1.2 has dropped.
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: true });
  if ("empty" in parsed) return { documents: [], problems: [] };
  const documents: SourceDocument[] = [];
  const problems: Problem[] = [];
  for (const document of parsed) {
    for (const error of document.errors) {
      problems.push({ ...toPosition(lines, error.pos[0]), message: error.message.split("\n")[0] ?? "" });
    }
    const contents = document.contents as Node | null;
    if (contents === null || document.errors.length > 0) continue;
    documents.push({
      value: document.toJS(),
      position: (path) =>
        toPosition(
          lines,
          offsetOf(contents, path, (alias) => alias.resolve(document)),
        ),
    });
  }
  return { documents, problems };
}

function offsetOf(
  root: Node,
  path: Path,
  resolve: (alias: { resolve(document: unknown): Node | undefined }) => Node | undefined,
): number {
  let node: Node | null | undefined = root;
  let offset = root.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = resolve(node as never);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part) as
        | Pair<Node, Node | null>
        | undefined;
      if (!pair) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      break;
    }
  }
  return offset;
}

function toPosition(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
