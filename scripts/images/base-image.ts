import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "./engine.ts";

export const PUBLIC_BASE = "docker.io/library/debian:bookworm-slim";
/** Made on this machine, where no image can be pulled. */
const OWN_BASE = "localhost/debian:bookworm-slim";
const SUITE = "bookworm";

/**
 * The image that packages are installed in. It does not end up in ours: only files of its packages do, so the public one
 * and one made here give the same, as far as their packages have the same versions.
 *
 * @param wanted an image to use as it is
 */
export async function chooseBase(
  engine: Engine,
  wanted: string | undefined,
  say: (line: string) => void,
): Promise<string> {
  if (wanted !== undefined) return wanted;
  if (await engine.hasImage(PUBLIC_BASE)) return PUBLIC_BASE;
  if (await engine.hasImage(OWN_BASE)) return OWN_BASE;
  say(`images: pulling ${PUBLIC_BASE}`);
  if (await engine.pull(PUBLIC_BASE)) return PUBLIC_BASE;
  say(`images: it cannot be pulled here; making ${OWN_BASE} from Debian's packages (a minute)`);
  const directory = mkdtempSync(join(tmpdir(), "skein-base-"));
  try {
    const tar = join(directory, "base.tar");
    makeDebian(tar);
    await engine.importTar(tar, OWN_BASE);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return OWN_BASE;
}

function makeDebian(tar: string): void {
  try {
    execFileSync("mmdebstrap", ["--quiet", "--variant=minbase", "--include=ca-certificates", SUITE, tar], {
      stdio: ["ignore", process.stderr, process.stderr],
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(
      "no base image: it cannot be pulled, and mmdebstrap is not there to make one (Debian: apt-get install mmdebstrap), or name one with BASE=IMAGE",
    );
  }
}
