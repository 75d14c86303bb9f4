// The acts.
export type { InitParts } from "./init.ts";
export { runInit } from "./init.ts";
// What they are made of.
export type { Journal } from "./journal-file.ts";
export { createJournal } from "./journal-file.ts";
export type { ActParts, EngineFactory, TransferParts, WaitParts } from "./parts.ts";
export { readTemplate } from "./read-template.ts";
export { createSecretReader } from "./secret-files.ts";
export { storeTrace } from "./store-trace.ts";
export { runSupervisorLoad } from "./supervisor-load.ts";
export { runWaitBegin } from "./wait-begin.ts";
export type { FinishOutcome, FinishParts } from "./wait-finish.ts";
export { runWaitFinish } from "./wait-finish.ts";
export { runWaitTick } from "./wait-tick.ts";
