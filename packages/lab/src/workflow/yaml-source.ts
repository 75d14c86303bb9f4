import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
} from "yaml";
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
  const parsed = parseAllDocuments(text, { lineCounter: lines, ...AS_KUBERNETES });
  if ("empty" in parsed) return { documents: [], problems: [] };
  const documents: SourceDocument[] = [];
  const problems: Problem[] = [];
  for (const document of parsed) {
    for (const error of document.errors) {
      problems.push({ ...toPosition(lines, error.pos[0]), message: error.message.split("\n")[0] ?? "" });
    }
    const contents = document.contents as Node | null;
    if (contents === null || document.errors.length > 0) continue;
    const value = toValue(() => document.toJS());
    if (value instanceof Error) {
      problems.push({ ...toPosition(lines, contents.range?.[0] ?? 0), message: value.message });
      continue;
    }
    documents.push({
      value,
      position: (path) =>
        toPosition(
          lines,
          offsetOf(contents, path, (alias) => alias.resolve(document)),
        ),
    });
  }
  return { documents, problems };
}

/** `0755`, as file modes are written: octal in the YAML 1.1 that Kubernetes reads, and decimal in YAML 1.2. */
const OCTAL: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

/** Where Kubernetes' own reader differs from YAML 1.2 in what workflows hold: octal numbers, and `<<` merges. */
const AS_KUBERNETES = { merge: true, customTags: (tags: Tags): Tags => [OCTAL, ...tags] } as const;

/** Aliases that name nothing, or that unfold to more than any file needs, come to light only here. */
function toValue(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
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
