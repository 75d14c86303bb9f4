import { COMPRESSED } from "./compressed.ts";
import type { HostileArchive } from "./hostile-case.ts";
import { TAR_HEADERS } from "./tar-headers.ts";
import { TAR_LINKS } from "./tar-links.ts";
import { TAR_NAMES } from "./tar-names.ts";
import { ZIPS } from "./zips.ts";

/** Not compressed. */
export const TARS: readonly HostileArchive[] = [...TAR_NAMES, ...TAR_LINKS, ...TAR_HEADERS];

/** Every hostile archive, by what an artifact would declare it to be. */
export const CORPUS: Readonly<Record<"tar" | "compressed" | "zip", readonly HostileArchive[]>> = {
  tar: TARS,
  compressed: COMPRESSED,
  zip: ZIPS,
};
