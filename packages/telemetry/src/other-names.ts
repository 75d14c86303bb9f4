import type { ControllerSpanName } from "./controller-span-names.ts";
import type { EventName } from "./event-names.ts";
import type { SpanName } from "./span-names.ts";

/**
 * What spans and events were called in the talk that the first traces of Argo Workflows were shown in, before Argo had
 * any of its own. Dashboards made then need these new names.
 */
export const TALK_NAMES: Readonly<Partial<Record<SpanName | ControllerSpanName | EventName, string>>> = {
  workflow: "workflow",
  workflowPhase: "workflow-phase",
  node: "node",
  nodePhase: "node-phase",
  loadArtifacts: "load artifacts",
  saveArtifacts: "save artifacts",
  "download artifact": "download artifact",
  "upload artifact": "upload artifact",
};

/** Argo's documentation writes its spans in snake case; on the wire they are in lower camel case. */
export function documentedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
