import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Backing, makeMountPoint } from "./mount-targets.ts";
import type { RootPart } from "./root-plan.ts";
import { DEVICE_NODES, OLD_ROOT } from "./sandbox-script.ts";

/** What a container's own `/dev` refers to; as container runtimes have it. */
const DEVICE_LINKS: Readonly<Record<string, string>> = {
  fd: "/proc/self/fd",
  stdin: "/proc/self/fd/0",
  stdout: "/proc/self/fd/1",
  stderr: "/proc/self/fd/2",
  ptmx: "pts/ptmx",
};

/**
 * Makes the directories a container's root is put together from, and in them everything that something
 * will be mounted on.
 *
 * @returns where each part of the container's root keeps what is written to it, the root first
 */
export function prepareState(directory: string, parts: readonly RootPart[]): Backing[] {
  for (const name of ["root", "layers", "memory", "tmp", "dev"])
    mkdirSync(join(directory, name), { recursive: true });
  chmodSync(join(directory, "tmp"), 0o1777);
  prepareDevices(join(directory, "dev"));
  const backings: Backing[] = [{ path: "/", directory: join(directory, "root") }];
  for (const [index, part] of parts.entries()) {
    if (part.kind !== "overlay") continue;
    const layer = join(directory, "layers", String(index));
    mkdirSync(join(layer, "u"), { recursive: true });
    mkdirSync(join(layer, "w"));
    backings.push({ path: part.path, directory: join(layer, "u"), lower: part.path });
  }
  for (const part of parts) preparePart(backings, directory, part);
  for (const path of ["/proc", "/sys", "/dev", "/tmp", OLD_ROOT]) makeMountPoint(backings, path, "directory");
  return [...backings, { path: "/tmp", directory: join(directory, "tmp") }];
}

function preparePart(backings: readonly Backing[], directory: string, part: RootPart): void {
  if (part.path === "/") return;
  const holder = backings.filter((backing) => backing.path !== part.path);
  if (part.kind === "symlink") symlinkSync(part.target, join(directory, "root", part.path));
  else makeMountPoint(holder, part.path, part.kind === "file" ? "file" : "directory");
}

function prepareDevices(directory: string): void {
  for (const node of [...DEVICE_NODES, "termination-log"]) writeFileSync(join(directory, node), "");
  for (const name of ["shm", "pts"]) mkdirSync(join(directory, name));
  for (const [name, target] of Object.entries(DEVICE_LINKS)) symlinkSync(target, join(directory, name));
}
