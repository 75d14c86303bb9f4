import type { BuildInfo } from "../build-info.ts";
import { bundleChunks, type ChunkBundle } from "./bundle-chunks.ts";

export interface CoreBundle extends ChunkBundle {
  mainChunk: string;
  /** For the code cache only; the image does without it. */
  rehearsalChunk: string;
}

export async function bundleCore(checkout: string, info: BuildInfo): Promise<CoreBundle> {
  const bundle = await bundleChunks({
    directory: checkout,
    entryPoints: {
      main: "packages/argoexec/src/main.ts",
      rehearsal: "scripts/build/core/rehearsal.ts",
    },
    define: { SKEIN_BUILD: JSON.stringify(info) },
  });
  const { main = "", rehearsal = "" } = bundle.entryChunks;
  return { ...bundle, mainChunk: main, rehearsalChunk: rehearsal };
}
