/** One row of the table of events in docs/tracing.md. */
export interface EventDefinition {
  name: string;
  on: string;
  /** Keys of the attributes it carries. */
  attributes: readonly string[];
  brief: string;
}

const ARTIFACT = "`loadArtifact`, `saveArtifact`";

/** The span events, by the name code uses. */
export const EVENTS = {
  downloadArtifact: {
    name: "download artifact",
    on: "`loadArtifacts`",
    attributes: ["file"],
    brief: "An input artifact begins to load; `file` is the artifact's name.",
  },
  uploadArtifact: {
    name: "upload artifact",
    on: "`saveArtifacts`",
    attributes: ["file"],
    brief: "An output artifact begins to be saved; `file` is the artifact's name. As in Argo v4.1.",
  },
  downloadFile: {
    name: "download file",
    on: "`loadArtifact`",
    attributes: [
      "file",
      "file.size",
      "argo.file.duration",
      "argo.file.offset",
      "error.type",
      "error.message",
    ],
    brief: "A file or object of the artifact is on disk, or failed. The event's time is the file's end.",
  },
  uploadFile: {
    name: "upload file",
    on: "`saveArtifact`",
    attributes: [
      "file",
      "file.size",
      "argo.file.duration",
      "argo.file.offset",
      "error.type",
      "error.message",
    ],
    brief: "A file of the artifact has been read, or failed. The event's time is the file's end.",
  },
  retry: {
    name: "retry",
    on: ARTIFACT,
    attributes: ["error.type", "argo.retry.attempt", "argo.retry.delay"],
    brief: "A request failed and will be made again.",
  },
  gitPhase: {
    name: "git phase",
    on: "`loadArtifact`",
    attributes: [
      "argo.git.phase",
      "argo.git.duration",
      "argo.git.objects",
      "argo.git.bytes",
      "argo.git.submodule",
      "argo.git.mirror",
    ],
    brief: "A part of git's work has ended. The event's time is the part's end.",
  },
  gitFallback: {
    name: "git fallback",
    on: "`loadArtifact`",
    attributes: ["argo.git.reason", "argo.git.submodule", "argo.git.mirror"],
    brief: "What was wanted could not be had the short way, and was fetched in a longer one.",
  },
  exception: {
    name: "exception",
    on: "every span",
    attributes: ["exception.type", "exception.message", "exception.stacktrace"],
    brief: "What was thrown. Only the innermost span that it left carries the event.",
  },
  processStart: {
    name: "process.start",
    on: "`runMainContainer`",
    attributes: ["process.pid", "process.command", "argo.process.attempt"],
    brief: "The user's process was started.",
  },
  processEnd: {
    name: "process.end",
    on: "`runMainContainer`",
    attributes: ["process.exit.code", "process.signal", "argo.process.attempt"],
    brief: "The user's process ended.",
  },
  signal: {
    name: "signal",
    on: "`runMainContainer`, `waitWorkload`",
    attributes: ["process.signal", "argo.signal.source"],
    brief: "A signal arrived and was passed on to the user's process, or ended the waiting.",
  },
  packOutput: {
    name: "pack output",
    on: "`runMainContainer`",
    attributes: [
      "file",
      "argo.output.kind",
      "file.size",
      "argo.artifact.files",
      "argo.file.duration",
      "error.message",
    ],
    brief: "The front began to copy or pack an output of the container's own file system.",
  },
  error: {
    name: "error",
    on: "`run*Container`",
    attributes: ["error.type", "error.message"],
    brief: "An error that was recorded while the work went on.",
  },
  act: {
    name: "act",
    on: "`runWaitContainer`",
    attributes: [
      "argo.act.name",
      "argo.act.duration",
      "argo.act.cpu_time",
      "argo.act.max_rss",
      "process.exit.code",
    ],
    brief: "The front started the core for one of its acts (`begin`, `tick`, `finish`).",
  },
  deadline: {
    name: "deadline",
    on: "`waitWorkload`",
    attributes: [],
    brief: "The step exceeded its deadline.",
  },
  kill: {
    name: "kill",
    on: "`waitWorkload`",
    attributes: ["process.signal", "argo.containers"],
    brief: "The front asked containers to end.",
  },
} as const satisfies Record<string, EventDefinition>;

/** The wire names, by the name code uses: `EVENT.retry`. */
export const EVENT = Object.fromEntries(
  Object.entries(EVENTS).map(([name, definition]) => [name, definition.name]),
) as { [Name in keyof typeof EVENTS]: (typeof EVENTS)[Name]["name"] };

export type EventName = (typeof EVENTS)[keyof typeof EVENTS]["name"];
