import { type ControllerVersion, VERSIONS, type VersionName, versionOf } from "../controller/versions.ts";
import type { StepEnd, StepRequest } from "./run-step.ts";
import type { World } from "./world.ts";

/** What a case works with. */
export interface CaseContext {
  world: World;
  version: ControllerVersion;
  /** {@link runStep} with the case's version; the pod is kept as evidence when the case fails. */
  step(request: StepRequest): Promise<StepEnd>;
}

export interface Case {
  /** As in `make e2e CASE=name`. */
  name: string;
  /** What it shows, as a sentence. */
  shows: string;
  /** Default: pods of every supported controller. */
  versions?: readonly ControllerVersion[];
  /** Disturbs the others, so it runs alone. */
  isExclusive?: boolean;
  /** On a quiet machine. Default two minutes. */
  timeoutMs?: number;
  run(context: CaseContext): Promise<void>;
}

/** The newest controller, in both layouts: for what no version of a controller has a part in. */
export const NEWEST: readonly ControllerVersion[] = VERSIONS.filter(({ name }) => name === "v4.1");
/** The newest controller's pods with an init container. */
export const NEWEST_INIT: readonly ControllerVersion[] = [versionOf("v4.1")];

export function since(name: VersionName): readonly ControllerVersion[] {
  return VERSIONS.slice(VERSIONS.findIndex((version) => version.name === name));
}
