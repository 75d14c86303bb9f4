// For programs that want the command without a process of its own.

export { runCommandLine } from "./command-line.ts";
export type { Host, TextSink } from "./host.ts";
