import type { Artifact, Logger } from "@skein/contract";
import { ATTR, type Tracing } from "@skein/telemetry";
import { createDrivers } from "./drivers.ts";
import { loadArtifact } from "./load.ts";
import { observeTransfer, type TransferSubject } from "./observe-transfer.ts";
import { PartMemory } from "./part-memory.ts";
import { saveArtifact } from "./save.ts";
import type { SecretReader } from "./secret-reader.ts";
import { Semaphore } from "./semaphore.ts";
import type { TransferSettings } from "./settings.ts";
import type { TransferReport } from "./transfer-report.ts";

export interface LoadRequest {
  /** With its full location. */
  artifact: Artifact;
  /** Where the artifact is put: a file or a directory, whichever it is. */
  target: string;
  /** The target belongs to the executor: what an earlier run left there is replaced. Default false. */
  replace?: boolean;
}

/** What is saved. */
export type SaveSource =
  /** A file or directory, packed as the artifact says. */
  | { kind: "path"; path: string }
  /** What the emissary packed, `basename` at its root; packed again when the artifact says so. */
  | {
      kind: "packed";
      tgz: string;
      basename: string;
      /** What is in it, if the packer said so; it is not unpacked only to be counted. */
      contents?: { files: number; unpackedBytes: number; packingSeconds?: number };
    }
  /** A file as it is, whatever the artifact says: logs. */
  | { kind: "file"; path: string };

export interface SaveRequest {
  /** With its full location, key included. */
  artifact: Artifact;
  source: SaveSource;
}

/** Moves artifacts, several at once under one budget of memory and requests. */
export interface TransferEngine {
  /**
   * Loads one artifact, in the spans `loadArtifact` and `unarchiveArtifact`. Either the target is whole or it is
   * not there; what is staged beside it (`.skein-*`) never stays, and what an interrupted run left of them is removed.
   *
   * @throws ArtifactError; `isNotFound` tells whether an optional artifact may be skipped
   */
  load(request: LoadRequest): Promise<TransferReport>;
  /**
   * Saves one artifact, in the spans `saveArtifact` and `archiveArtifact`. Nothing is visible under its key
   * before all of it has arrived; a directory's objects become visible one by one.
   *
   * @throws ArtifactError
   */
  save(request: SaveRequest): Promise<TransferReport>;
}

export interface TransferEngineParts {
  tracing: Tracing;
  log: Logger;
  secrets: SecretReader;
  /** Ends every transfer, with its reason. */
  signal: AbortSignal;
  settings: TransferSettings;
  /** A monotonic clock in milliseconds, the one of the tracing. Default `performance.now()`. */
  now?: () => number;
}

/**
 * The engine of one act. Idle connections it keeps do not hold the process up; `close` is for those who stay.
 */
export function createTransferEngine(
  parts: TransferEngineParts,
): TransferEngine & { close(): Promise<void> } {
  const { settings, signal } = parts;
  const drivers = createDrivers(parts.secrets, settings);
  const slots = new Semaphore(settings.artifacts);
  const memory = new Semaphore(settings.memoryBytes);
  const limits = { memory, parts: new PartMemory(memory), requests: new Semaphore(settings.requests) };
  const compress = {
    blocksInFlight: settings.compressBlocks,
    slots: new Semaphore(settings.compressBlocks),
  };
  const observed = { ...parts, limits };
  return {
    load: ({ artifact, target, replace = false }) =>
      slots.use(async () => {
        await drivers.prepare(artifact);
        const subject: TransferSubject = { direction: "load", artifact, attributes: { [ATTR.path]: target } };
        return observeTransfer(subject, observed, async (transfer, describe) => {
          const driver = describe(await drivers.create(artifact));
          const job = { artifact, target, replace, driver, limits: settings.unpackLimits };
          return loadArtifact(job, transfer, parts.tracing);
        });
      }, signal),
    save: ({ artifact, source }) =>
      slots.use(async () => {
        await drivers.prepare(artifact);
        const contents = source.kind === "packed" ? source.contents : undefined;
        const attributes = { [ATTR.artifactPacking]: contents?.packingSeconds };
        const subject: TransferSubject = { direction: "save", artifact, attributes };
        return observeTransfer(subject, observed, async (transfer, describe) => {
          const driver = describe(await drivers.create(artifact));
          const { stagingDirectory } = settings;
          const job = { artifact, source, driver, stagingDirectory, compress };
          return saveArtifact(job, transfer, parts.tracing);
        });
      }, signal),
    close: () => drivers.close(),
  };
}
