/** `opt/skein/core/argoexec.cjs`, which the front starts: the first chunk of the core, in the same directory. */
import { createChunkLoader } from "./load-chunks.ts";

/** The chunk's name; set by the build. */
declare const SKEIN_MAIN_CHUNK: string;

createChunkLoader({ directory: __dirname, require })(SKEIN_MAIN_CHUNK);
