/** One line of `/proc/self/mountinfo`: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
export interface Mount {
  mountPoint: string;
  /** Per-mount options, such as `rw`, `nosuid`, `relatime`. */
  options: string[];
  fsType: string;
}

export function parseMountInfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

function parseLine(line: string): Mount {
  const [before = "", after = ""] = line.split(" - ");
  const fields = before.split(" ");
  return {
    mountPoint: unescapeOctal(fields[4] ?? ""),
    options: (fields[5] ?? "").split(","),
    fsType: after.split(" ")[0] ?? "",
  };
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that a path lies on: the longest mount point, of equal ones the latest. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    if (!isBelowOrSame(path, mount.mountPoint)) continue;
    if (!found || mount.mountPoint.length >= found.mountPoint.length) found = mount;
  }
  return found;
}

export function isBelowOrSame(path: string, ancestor: string): boolean {
  return ancestor === "/" || path === ancestor || path.startsWith(`${ancestor}/`);
}
