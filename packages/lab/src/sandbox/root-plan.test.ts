import { describe, expect, it } from "vitest";
import { mountOf, parseMountInfo } from "./mountinfo.ts";
import { type MachineTree, planRoot } from "./root-plan.ts";

const MOUNTS = parseMountInfo(`22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:5 / /proc rw,nosuid - proc proc rw
24 22 0:6 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw
25 22 0:7 / /home rw,nosuid - ext4 /dev/vdb rw
26 25 0:8 / /home/a\\040b ro - ext4 /dev/vdc rw
27 22 0:9 / /etc/hosts rw - ext4 /dev/vda rw
28 22 0:10 / /run/user/0/doc rw - fuse.portal portal rw
`);

const TREE: MachineTree = {
  list: (directory) =>
    directory === "/"
      ? [
          { name: "bin", kind: "symlink", target: "usr/bin" },
          { name: "etc", kind: "directory" },
          { name: "home", kind: "directory" },
          { name: "proc", kind: "directory" },
          { name: "swapfile", kind: "file" },
          { name: "usr", kind: "directory" },
        ]
      : ({
          "/etc": [
            { name: "hosts", kind: "file" as const },
            { name: "ssl", kind: "directory" as const },
          ],
        }[directory] ?? []),
  isDirectory: (path) => path !== "/etc/hosts",
};

describe("parseMountInfo", () => {
  it("reads mount points with spaces, file systems and options", () => {
    expect(MOUNTS[4]).toEqual({ mountPoint: "/home/a b", fsType: "ext4", options: ["ro"] });
  });

  it("knows which mount a path lies on", () => {
    expect(mountOf(MOUNTS, "/home/a b/c")?.mountPoint).toBe("/home/a b");
    expect(mountOf(MOUNTS, "/homer")?.mountPoint).toBe("/");
  });
});

describe("planRoot", () => {
  it("lays one overlay over the whole root, and one over each real mount below it", () => {
    expect(planRoot("whole", MOUNTS, TREE)).toEqual([
      { kind: "overlay", path: "/" },
      { kind: "file", path: "/etc/hosts" },
      { kind: "overlay", path: "/home" },
      { kind: "overlay", path: "/home/a b" },
    ]);
  });

  it("puts the root together from pieces without mounts below them", () => {
    expect(planRoot("pieces", MOUNTS, TREE)).toEqual([
      { kind: "symlink", path: "/bin", target: "usr/bin" },
      { kind: "directory", path: "/etc" },
      { kind: "file", path: "/etc/hosts" },
      { kind: "overlay", path: "/etc/ssl" },
      { kind: "directory", path: "/home" },
      { kind: "directory", path: "/proc" },
      { kind: "file", path: "/swapfile" },
      { kind: "overlay", path: "/usr" },
    ]);
  });
});
