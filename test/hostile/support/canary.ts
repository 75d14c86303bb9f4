import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Place } from "../corpus/hostile-case.ts";

/** A place with things around it that an attack may touch, and what they were like. */
export interface Canary extends Place, Disposable {
  /** The directory that holds `into`, `victim` and `into-sibling`, and nothing else. */
  around: string;
  /** What is different outside `into` now, by path; empty when nothing was touched. */
  touched(): string[];
}

/** `into` is not there yet. */
export function createCanary(): Canary {
  const around = mkdtempSync(join(tmpdir(), "skein-hostile-"));
  const victim = join(around, "victim");
  const sibling = join(around, "into-sibling");
  for (const directory of [victim, sibling]) {
    mkdirSync(join(directory, "closed"), { recursive: true });
    writeFileSync(join(directory, "secret"), "secret", { mode: 0o600 });
    writeFileSync(join(directory, "closed/file"), "file", { mode: 0o400 });
    linkSync(join(directory, "secret"), join(directory, "other-name"));
    symlinkSync("secret", join(directory, "link"));
    chmodSync(join(directory, "closed"), 0o500);
    const longAgo = 1_000_000_000;
    for (const name of ["secret", "closed/file", "closed", "."])
      utimesSync(join(directory, name), longAgo, longAgo);
  }
  const before = [...describe(victim), ...describe(sibling)];
  return {
    around,
    victim,
    into: join(around, "into"),
    touched: () => {
      const after = [...describe(victim), ...describe(sibling)];
      const strangers = readdirSync(around).filter(
        (name) => !["into", "victim", "into-sibling"].includes(name),
      );
      return [
        ...before.filter((line) => !after.includes(line)).map((line) => `gone or changed: ${line}`),
        ...after.filter((line) => !before.includes(line)).map((line) => `new or changed: ${line}`),
        ...strangers.map((name) => `new: ${name}`),
      ];
    },
    [Symbol.dispose]: () => rmSync(around, { recursive: true, force: true }),
  };
}

/** Everything stat(2) tells but the time of the last access; the change time betrays what was put back. */
function describe(path: string): string[] {
  const { mode, nlink, ino, size, mtimeNs, ctimeNs, uid } = lstatSync(path, { bigint: true });
  const line = `${path} ${mode.toString(8)} ${nlink} ${ino} ${size} ${mtimeNs} ${ctimeNs} ${uid}`;
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return [`${line} -> ${readlinkSync(path)}`];
  if (!stats.isDirectory()) return [`${line} ${readFileSync(path, "latin1")}`];
  return [line, ...readdirSync(path).flatMap((name) => describe(join(path, name)))];
}
