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

/** Unpacks an archive somewhere and tells what is there. */
export async function unpack(
  archive: Buffer,
  options: Omit<ExtractOptions, "into"> & { chunkBytes?: number } = {},
): Promise<Unpacked> {
  using parent = temporaryDirectory();
  const into = parent.join("unpacked");
  const report = await extractTar(chunked(archive, options.chunkBytes), { into, ...options });
  return { report, tree: readTree(into) };
}
