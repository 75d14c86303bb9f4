import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory that is gone at the end of the test: `using directory = temporaryDirectory()`. */
export function temporaryDirectory(): Disposable & { path: string; join: (...parts: string[]) => string } {
  const path = mkdtempSync(join(tmpdir(), "skein-archive-"));
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
