import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createLogger, createPaths, type Paths } from "@skein/contract";
import { onTestFinished } from "vitest";

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "skein-executor-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A pod's paths below a directory that is gone after the test. */
export async function temporaryPaths(): Promise<Paths & { root: string }> {
  const root = await temporaryDirectory();
  return { ...createPaths(root), root };
}

/** Writes a file and what leads to it. */
export async function put(path: string, content: string | Uint8Array = ""): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** A logger and the records it wrote. */
export function recordingLogger() {
  const records: Record<string, unknown>[] = [];
  const log = createLogger({
    level: "debug",
    format: "json",
    write: (line) => records.push(JSON.parse(line) as Record<string, unknown>),
  });
  return { log, records, messages: () => records.map((record) => record["msg"]) };
}
