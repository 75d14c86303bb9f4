import { readdirSync, readFileSync } from "node:fs";

/** A process as /proc shows it to everybody of its user. */
export interface SeenProcess {
  pid: number;
  commandLine: string;
  environment: string;
}

/** Every process whose environment has the text in it: a directory of a test's own, for example. */
export function processesWith(text: string): SeenProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const environment = read(name, "environ");
      return environment.includes(text)
        ? [{ pid: Number(name), commandLine: read(name, "cmdline"), environment }]
        : [];
    });
}

/** With spaces in the place of NULs. Empty when the process has ended, or is another user's. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
