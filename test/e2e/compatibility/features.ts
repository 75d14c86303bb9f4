import type { ControllerVersion } from "../controller/versions.ts";

/** What a user can have, and the cases that show it. */
export interface Feature {
  name: string;
  /** Names of cases. A version has the feature when each of them is run for it. */
  cases: readonly string[];
  /** Controllers that have no such thing. */
  without?: (version: ControllerVersion) => boolean;
}

export const FEATURES: readonly Feature[] = [
  { name: "container: exit codes, task result, archived logs, spans", cases: ["hello", "failure"] },
  { name: "script and its result", cases: ["script"] },
  {
    name: "containerSet: dependencies, failures, retries, stopping",
    cases: ["container-set", "container-set-failure", "container-set-retries", "container-set-stopped"],
  },
  { name: "user sidecars, ended after main", cases: ["sidecar", "deaf-sidecar"] },
  { name: "output parameters, defaults, progress", cases: ["parameters", "progress"] },
  { name: "artifacts in S3: tgz, zip, none; files and directories", cases: ["artifacts", "strategies"] },
  { name: "artifacts from git, over http and ssh", cases: ["git-http", "git-ssh"] },
  { name: "artifacts over http", cases: ["http"] },
  {
    name: "missing inputs and outputs are Errors that say which",
    cases: ["missing-input", "missing-output"],
  },
  { name: "main in an image from scratch", cases: ["scratch", "command-not-found"] },
  {
    name: "other users, read-only roots, no capabilities",
    cases: ["locked-main", "locked-pod", "nonroot-image"],
  },
  { name: "deadlines of workflow and template", cases: ["workflow-deadline", "pod-deadline"] },
  {
    name: "a workflow that is stopped, a pod that is deleted",
    cases: ["workflow-stopped", "deletion", "deaf-main-deleted"],
  },
  { name: "main that runs out of memory", cases: ["out-of-memory"] },
  { name: "the documented Role is enough; without it, an Error", cases: ["least-privilege", "forbidden"] },
  { name: "a task result that is there already, or vanishes", cases: ["already-exists", "not-found"] },
  { name: "a collector that is not there", cases: ["dead-collector"] },
  { name: "installing: one workflow by podSpecPatch", cases: ["one-workflow"] },
  {
    name: "templates above 131072 bytes, in the pod's ConfigMap",
    cases: ["large-template"],
    without: ({ offloadsTemplate }) => !offloadsTemplate,
  },
  {
    name: "arguments above 131072 bytes, in the pod's ConfigMap",
    cases: ["long-arguments"],
    without: ({ offloadsArgs }) => !offloadsArgs,
  },
  {
    name: "spans below those of the controller",
    cases: ["trace"],
    without: ({ traces }) => !traces,
  },
];

/** Not there yet, whatever the controller; the executor's own words are a case of the conformance suite. */
export const MISSING: readonly string[] = [
  "resource and data templates",
  "http and plugin templates (the agent)",
  "artifact plugins; gcs, azure, oss, hdfs",
  "garbage collection of artifacts",
];

/** As the table's head has it. */
export function columnName({ name, layout }: ControllerVersion): string {
  return layout === "init" ? name : `${name} init-less`;
}
