import { readdirSync } from "node:fs";
import type { ExtractReport } from "../extract-report.ts";
import { extractTar } from "../extract-tar.ts";
import type { ExtractOptions } from "../unpacker.ts";
import { readTree, type Tree } from "./read-tree.ts";
import { chunked } from "./streams.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface Unpacked {
  report: ExtractReport;
  tree: Tree;
}

/** Unpacks an archive somewhere and tells what is there. Fails when something appeared beside it. */
export async function unpack(
  archive: Buffer,
  options: Omit<ExtractOptions, "into"> & { chunkBytes?: number } = {},
): Promise<Unpacked> {
  using parent = temporaryDirectory();
  const into = parent.join("unpacked");
  try {
    const report = await extractTar(chunked(archive, options.chunkBytes), { into, ...options });
    return { report, tree: readTree(into) };
  } finally {
    const beside = readdirSync(parent.path).filter((name) => name !== "unpacked");
    if (beside.length > 0) throw new Error(`written outside of the directory: ${beside.join(", ")}`);
  }
}
