import assert from "node:assert/strict";
import type { Pod } from "../controller/pod.ts";
import type { World } from "../suite/world.ts";
import type { Controller } from "./controller.ts";
import type { Submitted, WorkflowEnd } from "./submit.ts";

export interface WorkflowContext {
  world: World;
  controller: Controller;
  /** Creates a workflow; it is kept as evidence when the case fails. */
  submit(spec: object, labels?: Readonly<Record<string, string>>): Promise<Submitted>;
}

/** A workflow as a user submits it, and what the controller makes of it with Skein in its pods. */
export interface WorkflowCase {
  name: string;
  /** What it shows, as a sentence. */
  shows: string;
  /** Changes the controller's settings, so it runs alone. */
  isExclusive?: boolean;
  run(context: WorkflowContext): Promise<void>;
}

/** With what each node says when it is otherwise. */
export function assertSucceeded(end: WorkflowEnd): void {
  const said = end.nodes.map(
    ({ displayName, phase, message }) => `${displayName}: ${phase} ${message ?? ""}`,
  );
  assert.equal(end.phase, "Succeeded", `${end.message}\n${said.join("\n")}`);
}

/** Images of the containers that are the executor's, of all pods. */
export function executorImages(pods: readonly Pod[]): Set<string> {
  const isOurs = ({ name }: { name: string }): boolean => name === "init" || name === "wait";
  return new Set(
    pods.flatMap(({ spec }) =>
      [...(spec.initContainers ?? []), ...spec.containers].filter(isOurs).map(({ image }) => image),
    ),
  );
}
