import type { ErrorCode } from "@skein/contract";
import type { Examination } from "./examination.ts";

export type Status = "ok" | "warn" | "fail" | "skip";

/** What to do about a finding. */
export interface Fix {
  /** One sentence, or two. */
  say: string;
  /** Lines to be copied as they are: commands, or YAML. Never broken, never indented by us within. */
  copy?: readonly string[];
}

/** What a check has found. Whatever is not well has a fix, and whatever was not looked at a reason. */
export type Finding =
  | { status: "ok"; evidence: string }
  | { status: "warn" | "fail"; evidence: string; fix: Fix; code?: ErrorCode }
  | { status: "skip"; reason: string };

/** The reason of a check that had begun, or not, when the command was told to stop. */
export const STOPPED = "stopped";

/** The reason of checks that say something about the machine they run on. */
export const RUN_IN_A_POD = "what counts is a pod's own; in one: skein doctor --pod | kubectl create -f -";

/** The findings of checks that have ended, by their ids. */
export type Findings = ReadonlyMap<string, Finding>;

export interface Check {
  /** Kebab case; stays the same from version to version. */
  id: string;
  /** What is looked at, as a noun. */
  title: string;
  /** Checks that have to be well (or a warning) for this one to make sense; otherwise it is skipped. */
  needs?: readonly string[];
  /** Checks that have to be over, however they ended. */
  after?: readonly string[];
  /** Runs although the command was told to stop: it tidies up. */
  tidies?: true;
  /** What it means, and what to do, when the check does not end in time. */
  stuck: Fix;
  /** The same where the command runs outside the cluster, if that is something else. */
  stuckOutside?: Fix;
  /**
   * @param signal ends with the check's time, or with the command's
   * @throws anything: an `ArtifactError` becomes a failure with its remedy
   */
  run(examination: Examination, at: { signal: AbortSignal; found: Findings }): Promise<Finding>;
}

export function ok(evidence: string): Finding {
  return { status: "ok", evidence };
}

export function skip(reason: string): Finding {
  return { status: "skip", reason };
}

export function warn(evidence: string, say: string, copy?: readonly string[]): Finding {
  return { status: "warn", evidence, fix: { say, ...(copy && { copy }) } };
}

export function fail(evidence: string, say: string, copy?: readonly string[]): Finding {
  return { status: "fail", evidence, fix: { say, ...(copy && { copy }) } };
}
