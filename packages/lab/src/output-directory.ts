import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errorMessage } from "@skein/contract";
import { LabSetupError } from "./errors.ts";
import { removeTree } from "./sandbox/remove-tree.ts";

/** Everything a run leaves behind; all paths absolute. */
export interface OutputDirectory {
  path: string;
  summary: string;
  trace: string;
  html: string;
  /** `<pod>/<container>.{log,termination}` */
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

/** Holds the process id of the run that writes, or has written, the directory: what makes it ours to clear. */
const MARKER = ".skein-run";

/**
 * Makes the directory, or clears the one of an earlier run.
 *
 * @throws LabSetupError when it cannot be made, holds something else, or another run is writing it
 */
export function prepareOutputDirectory(directory: string): OutputDirectory {
  try {
    return prepare(directory);
  } catch (error) {
    if (error instanceof LabSetupError) throw error;
    throw new LabSetupError(`cannot use ${directory} for the output: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** The run is over; the next one may have the directory. */
export function releaseOutputDirectory({ path }: OutputDirectory): void {
  writeFileSync(join(path, MARKER), "");
}

function prepare(directory: string): OutputDirectory {
  makeDirectory(resolve(directory));
  const path = realpathSync(directory);
  claim(directory, path);
  for (const entry of Object.values(ENTRIES)) removeTree(join(path, entry));
  for (const entry of [ENTRIES.pods, ENTRIES.api, ENTRIES.state]) mkdirSync(join(path, entry));
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

/** Not Node's own `recursive`, which tries for ever where the kernel refuses by ENOENT, as below /proc. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error; // else somebody made it meanwhile
  }
}

/** Takes the directory for this run, if it is empty or an earlier run's that has ended. */
function claim(directory: string, path: string): void {
  const marker = join(path, MARKER);
  if (readdirSync(path).length > 0) {
    const owner = readOwner(marker);
    if (owner === undefined) {
      throw new LabSetupError(`${directory} holds files that are not of an earlier run; name another --out`);
    }
    if (isRunning(owner)) {
      throw new LabSetupError(`another run (process ${owner}) is writing ${directory}; name another --out`);
    }
    rmSync(marker);
  }
  try {
    writeFileSync(marker, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new LabSetupError(`another run has just begun to write ${directory}; name another --out`);
  }
}

/** @returns 0 when the run has ended in order, undefined when there is no marker */
function readOwner(marker: string): number | undefined {
  try {
    return Number(readFileSync(marker, "utf8"));
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
