import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabSetupError } from "./errors.ts";
import { removeTree } from "./sandbox/remove-tree.ts";

/** Everything a run leaves behind; all paths absolute. */
export interface OutputDirectory {
  path: string;
  summary: string;
  trace: string;
  html: string;
  /** `<pod>/{init,main,wait}.{log,termination}` */
  pods: string;
  /** The task results, one JSON file per node. */
  api: string;
  /** Volumes, root file systems, S3 objects: removed at the end, unless they are asked for. */
  state: string;
}

const ENTRIES = {
  summary: "summary.json",
  trace: "trace.jsonl",
  html: "trace.html",
  pods: "pods",
  api: "api",
  state: "lab",
};

/**
 * Makes the directory, or clears the one of an earlier run.
 *
 * @throws LabSetupError when it holds something else
 */
export function prepareOutputDirectory(directory: string): OutputDirectory {
  mkdirSync(directory, { recursive: true });
  const path = realpathSync(directory);
  if (readdirSync(path).length > 0 && !existsSync(join(path, ENTRIES.trace))) {
    throw new LabSetupError(`${directory} holds files that are not of an earlier run; name another --out`);
  }
  for (const entry of Object.values(ENTRIES)) removeTree(join(path, entry));
  for (const entry of [ENTRIES.pods, ENTRIES.api, ENTRIES.state]) mkdirSync(join(path, entry));
  // What the next run knows the directory by, however early this one ends.
  writeFileSync(join(path, ENTRIES.trace), "");
  return {
    path,
    summary: join(path, ENTRIES.summary),
    trace: join(path, ENTRIES.trace),
    html: join(path, ENTRIES.html),
    pods: join(path, ENTRIES.pods),
    api: join(path, ENTRIES.api),
    state: join(path, ENTRIES.state),
  };
}
