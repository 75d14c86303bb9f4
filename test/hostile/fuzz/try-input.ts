import { lstatSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decompressTar, detectArchive, extractTar, extractZip } from "@skein/archive";
import { ArtifactError } from "@skein/contract";
import { chunked } from "../../../packages/archive/src/testing/streams.ts";
import type { Canary } from "../support/canary.ts";
import type { Input } from "./inputs.ts";

/** Smaller than the defaults, so that a run stays short. */
const LIMITS = { maxEntries: 10_000, maxBytes: 16 * 1024 ** 2, minFreeBytes: 64 * 1024 ** 2 };

/**
 * Extracts one input.
 *
 * @returns what was wrong about how it went; undefined when it was refused or extracted as it should be
 */
export async function tryInput(
  { kind, bytes }: Input,
  canary: Canary,
  chunkBytes: number,
): Promise<string | undefined> {
  try {
    if (kind === "tar") {
      await detectArchive(chunked(bytes, chunkBytes));
      await extractTar(decompressTar(chunked(bytes, chunkBytes)), { into: canary.into, limits: LIMITS });
    } else {
      const file = join(canary.around, "victim", "..", "into.zip");
      writeFileSync(file, bytes);
      try {
        await extractZip(file, { into: canary.into, limits: LIMITS });
      } finally {
        rmSync(file);
      }
    }
    return wrongInside(canary.into) ?? wrongOutside(canary);
  } catch (error) {
    return wrongError(error) ?? wrongOutside(canary);
  } finally {
    rmSync(canary.into, { recursive: true, force: true });
  }
}

function wrongOutside(canary: Canary): string | undefined {
  const touched = canary.touched();
  return touched.length > 0 ? `touched outside: ${touched.join("; ")}` : undefined;
}

function wrongError(error: unknown): string | undefined {
  if (error instanceof ArtifactError) return undefined;
  return `an error of no class: ${error instanceof Error ? error.stack : String(error)}`;
}

/** Links that lead out, set-id bits, special files. */
function wrongInside(root: string): string | undefined {
  const inside = `${realpathSync(root)}/`;
  const visit = (path: Buffer): string | undefined => {
    const { mode, isLink, isDirectory, isFile } = describe(path);
    if (isLink) {
      const end = realpath(path);
      return end === undefined || `${end}/`.startsWith(inside)
        ? undefined
        : `the link ${path} leads to ${end}`;
    }
    if ((mode & 0o7000) !== 0) return `${path} has the mode ${mode.toString(8)}`;
    if (!isDirectory) return isFile ? undefined : `${path} is a special file`;
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      const wrong = visit(Buffer.concat([path, Buffer.from("/"), name]));
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  return visit(Buffer.from(root));
}

function describe(path: Buffer) {
  const stats = lstatSync(path);
  return {
    mode: stats.mode & 0o7777,
    isLink: stats.isSymbolicLink(),
    isDirectory: stats.isDirectory(),
    isFile: stats.isFile(),
  };
}

/** Undefined for a link that leads nowhere. */
function realpath(path: Buffer): string | undefined {
  try {
    return realpathSync.native(path, { encoding: "latin1" });
  } catch {
    return undefined;
  }
}
