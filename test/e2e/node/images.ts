import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Podman } from "./podman.ts";

/** What the users' containers run in. */
export interface UserImages {
  /** A shell and its tools, statically linked, and a /tmp. */
  busybox: string;
  /** From scratch: one static binary, `/one`, and nothing else, not even a /tmp. */
  scratch: string;
}

const ONE_BINARY = join(import.meta.dirname, "../../../tools/one-binary");

/**
 * Makes both images anew from the machine's own busybox and from source; takes two seconds.
 *
 * @param run names this run of the suite, and is the images' tag
 */
export async function makeUserImages(podman: Podman, run: string): Promise<UserImages> {
  const tag = run.toLowerCase();
  const images = {
    busybox: `localhost/skein-e2e/busybox:${tag}`,
    scratch: `localhost/skein-e2e/scratch:${tag}`,
  };
  await importTree(podman, images.busybox, (root) => {
    for (const directory of ["bin", "tmp", "etc"]) mkdirSync(join(root, directory));
    chmodSync(join(root, "tmp"), 0o1777);
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
    copyFileSync(busybox(), join(root, "bin/busybox"));
    const applets = execFileSync(busybox(), ["--list"], { encoding: "utf8" }).trim().split("\n");
    for (const applet of applets) if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  });
  await importTree(podman, images.scratch, (root) => {
    execFileSync("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", join(root, "one"), "."], {
      cwd: ONE_BINARY,
      env: { ...process.env, CGO_ENABLED: "0" },
      stdio: "pipe",
    });
  });
  return images;
}

function busybox(): string {
  return execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
}

async function importTree(podman: Podman, image: string, fill: (root: string) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skein-e2e-image-"));
  try {
    const root = join(directory, "root");
    mkdirSync(root);
    fill(root);
    const archive = join(directory, "image.tar");
    execFileSync("tar", ["--owner=0", "--group=0", "-C", root, "-cf", archive, "."]);
    await podman.run("import", "--quiet", "--change", "ENV PATH=/bin", archive, image);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
