import { isBelowOrSame, type Mount } from "./mountinfo.ts";

/** One part of a container's root file system, in the order in which the parts are put together. */
export type RootPart =
  /** A throw-away view of the machine's directory at the same path: readable as it is, writes go elsewhere. */
  | { kind: "overlay"; path: string }
  /** The machine's file at the same path, read-only. */
  | { kind: "file"; path: string }
  | { kind: "directory"; path: string }
  | { kind: "symlink"; path: string; target: string };

/**
 * `whole`: one overlay over `/`, and one for each further mount below it. Needs a mount namespace of the initial user
 * namespace. `pieces`: an empty root with one overlay per directory that has no mount below it, because in
 * a user namespace the kernel does not clone a tree whose mounts are locked (`failed to clone lowerpath`).
 */
export type RootLayout = "whole" | "pieces";

/** What a directory of the machine holds, read by whoever builds the plan. */
export interface MachineTree {
  /** Empty when the directory cannot be read. */
  list(directory: string): TreeEntry[];
  isDirectory(path: string): boolean;
}

export interface TreeEntry {
  name: string;
  kind: "directory" | "file" | "symlink";
  /** Of a symlink. */
  target?: string;
}

/** Where every container has something of its own, so that nothing of the machine is put there. */
export const PRIVATE_ROOTS: readonly string[] = ["/proc", "/sys", "/dev", "/tmp"];

/** File systems that hold no files a step could want, or that belong to one container runtime alone. */
const PSEUDO_FILE_SYSTEMS = new Set([
  "autofs",
  "binfmt_misc",
  "bpf",
  "cgroup",
  "cgroup2",
  "configfs",
  "debugfs",
  "devpts",
  "devtmpfs",
  "efivarfs",
  "fusectl",
  "hugetlbfs",
  "mqueue",
  "nsfs",
  "proc",
  "pstore",
  "rpc_pipefs",
  "securityfs",
  "sysfs",
  "tracefs",
]);

/** Plans a container's root file system out of the machine's mounts and directories. */
export function planRoot(layout: RootLayout, mounts: readonly Mount[], tree: MachineTree): RootPart[] {
  const inner = innerMounts(mounts);
  if (layout === "pieces") return planPieces("/", inner, tree);
  return [
    { kind: "overlay", path: "/" },
    ...inner.map((path): RootPart => ({ kind: tree.isDirectory(path) ? "overlay" : "file", path })),
  ];
}

/** Mount points below `/` that are worth bringing in, parents first, each once. */
function innerMounts(mounts: readonly Mount[]): string[] {
  const points = mounts
    .filter((mount) => !PSEUDO_FILE_SYSTEMS.has(mount.fsType) && !mount.fsType.startsWith("fuse."))
    .map((mount) => mount.mountPoint)
    .filter((point) => point !== "/" && !PRIVATE_ROOTS.some((root) => isBelowOrSame(point, root)));
  return [...new Set(points)].toSorted();
}

function planPieces(directory: string, inner: readonly string[], tree: MachineTree): RootPart[] {
  const parts: RootPart[] = [];
  for (const entry of tree.list(directory)) {
    const path = directory === "/" ? `/${entry.name}` : `${directory}/${entry.name}`;
    const holdsMounts = inner.some((point) => point !== path && isBelowOrSame(point, path));
    if (entry.kind === "symlink") parts.push({ kind: "symlink", path, target: entry.target ?? "" });
    else if (entry.kind === "file") parts.push({ kind: "file", path });
    else if (PRIVATE_ROOTS.includes(path)) parts.push({ kind: "directory", path });
    else if (holdsMounts) parts.push({ kind: "directory", path }, ...planPieces(path, inner, tree));
    else parts.push({ kind: "overlay", path });
  }
  return parts;
}
