import { ArtifactError, ConfigError } from "@skein/contract";

/** What an archive may ask of us before it is taken for an attack. Infinity switches a maximum off, 0 the minimum. */
export interface UnpackLimits {
  /** Entries of any kind. Default 5,000,000. */
  maxEntries: number;
  /** Unpacked bytes of all files together. Default: no limit but the disk's. */
  maxBytes: number;
  /** Length of one entry's name in bytes. Default 4,096, which is also the kernel's limit for a path. */
  maxPathBytes: number;
  /** Directories above an entry. Default 256. */
  maxDepth: number;
  /** Names and targets of symbolic links, which are held in memory until the end. Default 64 MiB. */
  maxLinkBytes: number;
  /**
   * Unpacked bytes per packed byte. Default 1,100, and only beyond {@link RATIO_FREE_BYTES} unpacked. Deflate cannot exceed
   * 1,032, and a disk image of zeros comes near: whatever gzip makes passes, and what entries that share their data
   * and zstd can do beyond does not (docs/adr/0009).
   */
  maxRatio: number;
  /** What must stay free on the volume, in bytes: a full disk hurts others, too. Default 0. */
  minFreeBytes: number;
}

/** Below this nobody is harmed by any ratio, and a disk image or a sparse model may well begin with zeros. */
export const RATIO_FREE_BYTES = 1024 ** 3;

export const DEFAULT_UNPACK_LIMITS: Readonly<UnpackLimits> = {
  maxEntries: 5_000_000,
  maxBytes: Number.POSITIVE_INFINITY,
  maxPathBytes: 4096,
  maxDepth: 256,
  maxLinkBytes: 64 * 1024 ** 2,
  maxRatio: 1100,
  minFreeBytes: 0,
};

/** The environment variable that sets each limit. */
const VARIABLES: Readonly<Record<keyof UnpackLimits, string>> = {
  maxEntries: "SKEIN_UNPACK_MAX_ENTRIES",
  maxBytes: "SKEIN_UNPACK_MAX_BYTES",
  maxPathBytes: "SKEIN_UNPACK_MAX_PATH_BYTES",
  maxDepth: "SKEIN_UNPACK_MAX_DEPTH",
  maxLinkBytes: "SKEIN_UNPACK_MAX_LINK_BYTES",
  maxRatio: "SKEIN_UNPACK_MAX_RATIO",
  minFreeBytes: "SKEIN_UNPACK_MIN_FREE_BYTES",
};

/** What switches a limit off. */
function noLimit(limit: keyof UnpackLimits): number {
  return limit === "minFreeBytes" ? 0 : Number.POSITIVE_INFINITY;
}

/**
 * The limits the operator set: whole numbers, or `none` for no limit.
 *
 * @throws ConfigError quoting the offending value
 */
export function parseUnpackLimits(env: Readonly<Record<string, string | undefined>>): UnpackLimits {
  const limits: UnpackLimits = { ...DEFAULT_UNPACK_LIMITS };
  for (const limit of Object.keys(VARIABLES) as (keyof UnpackLimits)[]) {
    const variable = VARIABLES[limit];
    const text = env[variable];
    if (text === undefined || text === "") continue;
    if (text !== "none" && !/^[1-9][0-9]{0,15}$/.test(text)) {
      throw new ConfigError(
        `${variable} must be a whole number above 0, or none; got ${JSON.stringify(text)}`,
        {
          exitCode: 1,
        },
      );
    }
    limits[limit] = text === "none" ? noLimit(limit) : Number(text);
  }
  return limits;
}

/** The error for an archive that goes beyond a limit: names it, its value, and the variable that moves it. */
export function limitExceeded(limit: keyof UnpackLimits, limits: UnpackLimits, found: string): ArtifactError {
  const verb = limit === "minFreeBytes" ? "give the volume more space, or lower" : "raise";
  return new ArtifactError(`artifact exceeds the limit ${limit} of ${limits[limit]}: ${found}`, {
    code: "archive.limit_exceeded",
    remedy: `If it is meant to be like that, ${verb} ${VARIABLES[limit]} (a number, or none) in the executor's environment.`,
  });
}

/** Refuses output that has grown out of proportion to the input. */
export function checkRatio(limits: UnpackLimits, packedBytes: number, unpackedBytes: number): void {
  if (unpackedBytes <= RATIO_FREE_BYTES || unpackedBytes <= packedBytes * limits.maxRatio) return;
  throw limitExceeded("maxRatio", limits, `${packedBytes} packed bytes gave ${unpackedBytes} bytes`);
}
