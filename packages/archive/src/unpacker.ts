import { mkdirSync, readdirSync } from "node:fs";
import { ArtifactError } from "@skein/contract";
import { type CleanName, ROOT } from "./clean-entry-name.ts";
import { explainingDisk } from "./disk-error.ts";
import { EntryAdmission } from "./entry-admission.ts";
import { type ExtractReport, emptyReport, type FileMoved, MAX_LISTED } from "./extract-report.ts";
import { FileSink } from "./file-sink.ts";
import { type RawName, toText } from "./raw-name.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";
import { TreeWriter } from "./tree-writer.ts";
import type { UnpackLimits } from "./unpack-limits.ts";

export interface ExtractOptions {
  /** The directory to unpack into: made, or found empty. Nothing outside it is touched; on an error the caller discards it. */
  into: string;
  /** Defaults: {@link DEFAULT_UNPACK_LIMITS}. */
  limits?: Partial<UnpackLimits>;
  /** Told when the disk is busy. Default: nobody. */
  meter?: StageMeter;
  /** Ends the work between two chunks with its reason. A source that waits must heed it too. */
  signal?: AbortSignal;
  /** Called when a regular file is complete. */
  onFile?: (file: FileMoved) => void;
}

/** What tar and zip have in common: limits, counting, the open file, and the writer below. */
export class Unpacker {
  readonly tree: TreeWriter;
  readonly limits: UnpackLimits;
  readonly meter: StageMeter;
  readonly report: ExtractReport = emptyReport();
  readonly #onFile: ((file: FileMoved) => void) | undefined;
  readonly #admission: EntryAdmission;
  readonly #topLevel = new Set<string>();
  #open: OpenFile | undefined;

  constructor(options: ExtractOptions) {
    this.meter = options.meter ?? unmetered;
    this.#onFile = options.onFile;
    prepareEmpty(options.into);
    this.#admission = new EntryAdmission(options.into, options.limits);
    this.limits = this.#admission.limits;
    this.tree = new TreeWriter(options.into, this.limits);
  }

  /** As {@link EntryAdmission.admit}. */
  admit(name: RawName): CleanName | undefined {
    return this.#admission.admit(name);
  }

  /** Opens a file of `size` bytes; {@link write} and {@link closeFile} follow. */
  openFile(name: CleanName, size: number, mode: number): void {
    this.#admission.admitFile(name, size);
    const startedMs = performance.now();
    const sink = new FileSink(this.tree.createFile(name, mode), size, `cannot write ${toText(name)}`);
    this.#open = { name, sink, size, startedMs };
    this.#noteTopLevel(name);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    return this.#open?.sink.write(chunk);
  }

  closeFile(mtimeSeconds?: number): void {
    if (this.#open === undefined) return;
    const { name, sink, size, startedMs } = this.#open;
    this.#open = undefined;
    sink.close(mtimeSeconds);
    const offsetBytes = this.report.unpackedBytes;
    this.report.files++;
    this.report.unpackedBytes += size;
    this.#onFile?.({
      file: toText(name),
      sizeBytes: size,
      durationMs: performance.now() - startedMs,
      offsetBytes,
    });
  }

  directory(name: CleanName, mode: number): void {
    this.tree.createDirectory(name, mode);
    this.report.directories++;
    this.#noteTopLevel(name);
  }

  link(name: CleanName, target: RawName): void {
    this.tree.createLink(name, target);
    this.report.symlinks++;
    this.#noteTopLevel(name);
  }

  hardLink(name: CleanName, target: CleanName): void {
    this.tree.createHardLink(name, target);
    this.report.hardlinks++;
    this.#noteTopLevel(name);
  }

  skip(name: RawName, reason: string): void {
    this.report.skippedEntries++;
    if (this.report.skipped.length < MAX_LISTED) this.report.skipped.push({ path: toText(name), reason });
  }

  finish(): ExtractReport {
    this.tree.finish();
    this.report.topLevel = [...this.#topLevel];
    return this.report;
  }

  /** Releases what is open, after success and after failure. */
  close(): void {
    this.#open?.sink.close();
    this.#open = undefined;
    this.tree.close();
  }

  #noteTopLevel(name: CleanName): void {
    if (name === ROOT || this.#topLevel.size === MAX_LISTED) return;
    const end = name.indexOf("/");
    this.#topLevel.add(toText(end === -1 ? name : name.slice(0, end)));
  }
}

interface OpenFile {
  name: CleanName;
  sink: FileSink;
  size: number;
  startedMs: number;
}

/** The tree writer's promise rests on a directory that holds nothing yet, least of all a link. */
function prepareEmpty(into: string): void {
  explainingDisk(
    () => `cannot make the directory ${into}`,
    () => {
      try {
        return mkdirSync(into, 0o777);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      if (readdirSync(into).length === 0) return undefined;
      throw new ArtifactError(`cannot unpack into ${into}: it is not empty`, { code: "disk.failed" });
    },
  );
}
