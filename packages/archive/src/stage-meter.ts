/**
 * What this package can keep the others waiting with. `compress_full` beside `compress` says that no thread is left to compress
 * what is read next, so that reading holds up nobody.
 */
export type ArchiveStage = "disk" | "decompress" | "compress" | "compress_full";

/**
 * Learns when a stage begins and ends to be busy; whoever implements it decides to which stage a
 * moment belongs when several are. Calls for one stage are never nested by this package.
 */
export interface StageMeter {
  enter(stage: ArchiveStage): void;
  leave(stage: ArchiveStage): void;
}

/** For callers that do not measure. */
export const unmetered: StageMeter = { enter() {}, leave() {} };
