import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  decompressTar,
  detectArchive,
  extractTar,
  extractZip,
  settleExtraction,
  type UnpackLimits,
} from "@skein/archive";
import { type Artifact, ArtifactError, archiveStrategy, errorMessage } from "@skein/contract";
import { ATTR, type Tracing } from "@skein/telemetry";
import type { ArtifactContent, ArtifactDriver } from "./driver.ts";
import { mismatch } from "./integrity.ts";
import { translateWriteError } from "./node-errors.ts";
import type { TransferOutcome } from "./observe-transfer.ts";
import { ReadAhead } from "./read-ahead.ts";
import type { Transfer } from "./transfer.ts";
import { writeNewFile, writeScattered } from "./write-new-file.ts";

export interface LoadJob {
  artifact: Artifact;
  target: string;
  /** Whether what is at the target may be removed. */
  replace: boolean;
  driver: ArtifactDriver;
  limits: UnpackLimits;
}

/**
 * The paths beside the target: on the same file system, so that a rename finishes the work. A run that comes after a
 * killed one finds them again by the target. Upstream's `<target>.tmp` and `.tmpdir` may be another artifact, or a file
 * of the user's in a volume, and what is in the way of a load is removed.
 */
interface Staging {
  /** A zip, which cannot be unpacked before its end has arrived. */
  download: string;
  /** What is being unpacked or written. */
  directory: string;
  target: string;
}

/** One name inside the staging directory: what is there alone becomes the target, whatever it is. */
const ONLY_ENTRY = "content";

/**
 * Loads one artifact and puts it in its place in one step, when it is whole. Nothing of it is ever in a
 * temporary file except a zip. A transfer that only a new beginning can save begins anew.
 */
export async function loadArtifact(
  job: LoadJob,
  transfer: Transfer,
  tracing: Tracing,
): Promise<TransferOutcome> {
  const { target } = job;
  const staging = stagingOf(target);
  await makeParent(dirname(target));
  const retrier = transfer.retrier();
  let wasDamaged = false;
  for (;;) {
    await clear(staging); // of an earlier attempt, or of a run that was killed
    try {
      return await loadOnce(job, staging, transfer, tracing);
    } catch (error) {
      await transfer.abandon(() => clear(staging), `${staging.directory}`);
      const isDamaged = error instanceof ArtifactError && error.code === "transfer.digest_mismatch";
      // Once: what is damaged a second time is damaged where it comes from.
      await retrier.failed(isDamaged && !wasDamaged ? asTransient(error) : asRestartable(error));
      wasDamaged ||= isDamaged;
      transfer.restart();
    }
  }
}

function stagingOf(target: string): Staging {
  const name = createHash("sha256").update(target).digest("hex").slice(0, 16);
  const directory = join(dirname(target), `.skein-${name}.tmpdir`);
  return { download: join(dirname(target), `.skein-${name}.tmp`), directory, target };
}

async function loadOnce(
  { artifact, driver, target, replace, limits }: LoadJob,
  staging: Staging,
  transfer: Transfer,
  tracing: Tracing,
): Promise<TransferOutcome> {
  const content = await driver.open(transfer);
  const unarchiving = (archive: TransferOutcome["archive"], work: () => Promise<void>): Promise<void> =>
    tracing.withSpan("unarchiveArtifact", { attributes: { [ATTR.archive]: archive } }, work);
  const settle = async (): Promise<void> => {
    transfer.signal.throwIfAborted();
    await transfer.clock.during("disk", async () => {
      if (replace) await rm(target, { recursive: true, force: true });
      await settleExtraction(staging.directory, target);
    });
  };
  if (content.kind === "directory") {
    const into = join(staging.directory, ONLY_ENTRY);
    await makeDirectory(into);
    await content.loadInto(into);
    await unarchiving("none", settle);
    return { archive: "none" };
  }
  const wanted = archiveStrategy(artifact.archive).type;
  const { scatter } = content;
  if (wanted === "none" && scatter) {
    await unarchiving("none", async () => {
      await scatterInto(staging, scatter, transfer);
      await settle();
    });
    return { archive: "none" };
  }
  const { kind, source } = await detected(wanted, content.stream);
  await unarchiving(kind, async () => {
    await unpack[kind](source, { ...staging, limits }, transfer);
    if (kind !== "none") checkCount(content.files, transfer, artifact.name);
    await settle();
  });
  return { archive: kind };
}

async function detected(
  wanted: "none" | "tar" | "zip" | "auto",
  source: AsyncIterable<Uint8Array>,
): Promise<{ kind: TransferOutcome["archive"]; source: AsyncIterable<Uint8Array> }> {
  if (wanted !== "auto") return { kind: wanted, source };
  const found = await detectArchive(source);
  return { kind: found.kind === "tar.gz" ? "tar" : "none", source: found.source };
}

/** As many files as whoever saved the archive had put into it; what was left out has been said. */
function checkCount(recorded: number | undefined, { tally }: Transfer, name: string): void {
  if (recorded === undefined || tally.leftOut > 0 || tally.files === recorded) return;
  throw mismatch(`artifact ${name}`, `${tally.files} files, its metadata says ${recorded}`);
}

async function scatterInto(
  { directory, target }: Staging,
  scatter: NonNullable<Extract<ArtifactContent, { kind: "stream" }>["scatter"]>,
  transfer: Transfer,
): Promise<void> {
  await makeDirectory(directory);
  const startMs = transfer.now();
  const path = join(directory, ONLY_ENTRY);
  const sizeBytes = await writeScattered(path, scatter, transfer.clock);
  transfer.fileMoved({ file: basename(target), sizeBytes, durationMs: transfer.now() - startMs });
}

type Unpack = (
  source: AsyncIterable<Uint8Array>,
  to: Staging & { limits: UnpackLimits },
  transfer: Transfer,
) => Promise<void>;

const unpack: Record<TransferOutcome["archive"], Unpack> = {
  async none(source, { directory, target }, transfer) {
    await makeDirectory(directory);
    const startMs = transfer.now();
    const sizeBytes = await writeNewFile(join(directory, ONLY_ENTRY), source, transfer.clock);
    transfer.fileMoved({ file: basename(target), sizeBytes, durationMs: transfer.now() - startMs });
  },
  async tar(source, { directory, limits }, transfer) {
    const ahead = new ReadAhead(
      decompressTar(source, { meter: transfer.clock, limits, ownsSource: true }),
      transfer.clock,
    );
    const options = extractOptions(directory, limits, transfer);
    report(await extractTar(ahead, { ...options, meter: ahead.consumer, ownsSource: true }), transfer);
  },
  async zip(source, { directory, download, limits }, transfer) {
    // A zip is read from its end: it has to be on the disk.
    await writeNewFile(download, source, transfer.clock);
    report(await extractZip(download, extractOptions(directory, limits, transfer)), transfer);
    await rm(download, { force: true });
  },
};

function extractOptions(into: string, limits: UnpackLimits, transfer: Transfer) {
  return {
    into,
    limits,
    meter: transfer.clock,
    signal: transfer.signal,
    onFile: ({ file, sizeBytes, durationMs }: { file: string; sizeBytes: number; durationMs: number }) =>
      transfer.fileMoved({ file, sizeBytes, durationMs }),
  };
}

/** What the archive holds and the directory does not is said, never silent. */
function report(
  { skippedEntries, skipped }: { skippedEntries: number; skipped: { path: string; reason: string }[] },
  transfer: Transfer,
): void {
  if (skippedEntries === 0) return;
  transfer.tally.leftOut += skippedEntries;
  const shown = skipped.slice(0, 5).map(({ path, reason }) => `${path} (${reason})`);
  const more = skippedEntries > shown.length ? ` and ${skippedEntries - shown.length} more` : "";
  transfer.warn(`left out of the archive: ${shown.join(", ")}${more}`);
}

/** An object that was replaced while it was read is whole again when it is read from its beginning. */
function asRestartable(error: unknown): unknown {
  if (!(error instanceof ArtifactError) || error.code !== "s3.changed_while_reading") return error;
  return asTransient(error);
}

function asTransient(error: ArtifactError): ArtifactError {
  return new ArtifactError(error.message, {
    code: error.code,
    transient: true,
    cause: error,
    ...(error.remedy !== undefined && { remedy: error.remedy }),
  });
}

/** With the contract's text (§6 step 8). */
async function makeParent(directory: string): Promise<void> {
  try {
    // Upstream's 0700 would keep a main of another user from what is readable for everybody (contract §22.14).
    await mkdir(directory, { recursive: true, mode: 0o777 });
  } catch (error) {
    throw translateWriteError(error, `failed to create artifact temporary parent directory ${directory}`);
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw translateWriteError(error, `cannot make the directory ${path}`);
  }
}

async function clear({ download, directory }: Staging): Promise<void> {
  try {
    await rm(download, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    throw translateWriteError(error, `cannot clear ${directory}: ${errorMessage(error)}`);
  }
}
