/** One row of the table of spans in docs/tracing.md. */
export interface SpanDefinition {
  /** Which container makes it, and below which span it hangs. */
  parent: string;
  /** Whether Argo v4.1's own executor makes a span of this name, too. */
  upstream: boolean;
  brief: string;
}

const RUN = "`run*Container`";
const BEFORE = "`runInitContainer` or `runSupervisorContainer`";
const BESIDE = "`runWaitContainer` or `runSupervisorContainer`";

/**
 * The executor's spans. The keys are the names on the wire: those of Argo v4.1, so that dashboards keep working
 * (argo-workflows:util/telemetry/traces_list.go; executor contract §20.1). All are of kind INTERNAL.
 */
export const SPANS = {
  runInitContainer: {
    parent: "the context the controller gave",
    upstream: true,
    brief: "The init container, from its first line to its last.",
  },
  stageFiles: {
    parent: BEFORE,
    upstream: true,
    brief: "Writing the script or manifest to the shared volume.",
  },
  loadArtifacts: {
    parent: BEFORE,
    upstream: true,
    brief: "Loading all input artifacts; they move concurrently.",
  },
  loadArtifact: {
    parent: "`loadArtifacts`",
    upstream: true,
    brief: "One input artifact, from the first request to the last byte on disk.",
  },
  unarchiveArtifact: {
    parent: "`loadArtifact`",
    upstream: true,
    brief:
      "The part of a load that unpacks; it overlaps the transfer, because archives are unpacked as they arrive.",
  },
  runMainContainer: {
    parent: "the context the controller gave",
    upstream: true,
    brief:
      "A user's container. Made from the front's journal by `wait`, so that it exists even when the container was killed. A sidecar that was ended after main is no error.",
  },
  runWaitContainer: {
    parent: "the context the controller gave",
    upstream: true,
    brief: "The wait container, over all its acts.",
  },
  runSupervisorContainer: {
    parent: "the context the controller gave",
    upstream: true,
    brief:
      "In a pod without an init container: loading before, and waiting and saving after the user's containers.",
  },
  waitWorkload: {
    parent: BESIDE,
    upstream: true,
    brief: "Waiting for the user's containers to end. Progress reports are children of it.",
  },
  captureScriptResult: {
    parent: BESIDE,
    upstream: true,
    brief: "Reading what the script printed, for `outputs.result`.",
  },
  createTaskResult: {
    parent: RUN,
    upstream: true,
    brief: "One attempt to create the WorkflowTaskResult.",
  },
  saveArtifacts: {
    parent: BESIDE,
    upstream: true,
    brief: "Saving all output artifacts.",
  },
  saveArtifact: {
    parent: "`saveArtifacts`",
    upstream: true,
    brief: "One output artifact, from the first byte read to the store's last answer.",
  },
  archiveArtifact: {
    parent: "`saveArtifact`",
    upstream: true,
    brief: "The part of a save that packs; it overlaps the transfer.",
  },
  saveLogs: {
    parent: BESIDE,
    upstream: true,
    brief: "Archiving the logs of all main containers.",
  },
  saveContainerLogs: {
    parent: "`saveLogs`",
    upstream: true,
    brief: "Archiving the log of one container.",
  },
  patchTaskResult: {
    parent: `${BESIDE}; for progress \`waitWorkload\``,
    upstream: true,
    brief: "One attempt to report outputs or progress.",
  },
  patchTaskResultLabels: {
    parent: BESIDE,
    upstream: true,
    brief: "One attempt to mark the outputs as complete.",
  },
} as const satisfies Record<string, SpanDefinition>;

export type SpanName = keyof typeof SPANS;
