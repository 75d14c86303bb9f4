import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Mount, parseMountInfo } from "./mountinfo.ts";
import type { MachineTree, TreeEntry } from "./root-plan.ts";

/** The mounts this process sees. */
export function readMounts(): Mount[] {
  return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** The machine's own directories; what cannot be read counts as empty. */
export const machineTree: MachineTree = {
  list: (directory) => {
    try {
      return readdirSync(directory, { withFileTypes: true }).flatMap((entry): TreeEntry[] => {
        const { name } = entry;
        if (entry.isDirectory()) return [{ name, kind: "directory" }];
        if (entry.isFile()) return [{ name, kind: "file" }];
        if (!entry.isSymbolicLink()) return []; // sockets, pipes and devices are of no use to a step
        return [{ name, kind: "symlink", target: readlinkSync(join(directory, name)) }];
      });
    } catch {
      return [];
    }
  },
  isDirectory: (path) => {
    try {
      return statSync(path).isDirectory();
    } catch {
      return false;
    }
  },
};
