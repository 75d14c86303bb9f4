// For command lines.

export type { DoctorHost } from "./run-doctor.ts";
export { runDoctor } from "./run-doctor.ts";
export { Stopped } from "./stop.ts";
export type { TextOptions } from "./text.ts";
