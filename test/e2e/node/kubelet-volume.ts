import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Writable for everybody, or for the pod's group. */
export function makeEmptyDirectory(path: string, fsGroup: number | undefined): void {
  mkdirSync(path, { recursive: true });
  if (fsGroup !== undefined) chownSync(path, 0, fsGroup);
  chmodSync(path, fsGroup === undefined ? 0o777 : 0o2777);
}

/**
 * Files that change together, as a kubelet writes secrets, ConfigMaps and tokens: each name is a link through `..data`,
 * which is replaced in one go. Who reads by name sees the old content or the new one.
 */
export function writeAtomically(directory: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(directory, { recursive: true });
  const content = mkdtempSync(join(directory, "..2026_"));
  chmodSync(content, 0o755);
  for (const [path, text] of Object.entries(files)) {
    const file = join(content, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o644 });
  }
  const link = join(directory, "..data");
  const next = join(directory, "..data_tmp");
  symlinkSync(content.slice(directory.length + 1), next);
  renameSync(next, link);
  for (const path of Object.keys(files)) {
    const [top = ""] = path.split("/");
    if (!existsSync(join(directory, top))) symlinkSync(join("..data", top), join(directory, top));
  }
  for (const name of readdirSync(directory)) {
    if (name.startsWith("..2026_") && join(directory, name) !== content)
      rmSync(join(directory, name), { recursive: true });
  }
}
