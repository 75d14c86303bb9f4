/**
 * Flags of V8 under which the acts are rehearsed so that their code caches come out the same every time: strings hash
 * from a fixed seed, and nothing is collected. (A cache has the padding of its objects in it, and that is zero only in
 * memory that was never used before.)
 */
export const REHEARSAL_FLAGS: readonly string[] = [
  "--random-seed=1",
  "--no-incremental-marking",
  "--min-semi-space-size=512",
  "--max-semi-space-size=512",
  "--initial-heap-size=2048",
];

/** Undo them before the caches are written: they hold for the flags they are written under. The seed is no such flag. */
export const FLAGS_OF_AN_ACT: readonly string[] = [
  "--incremental-marking",
  "--min-semi-space-size=0",
  "--max-semi-space-size=0",
  "--initial-heap-size=0",
];
