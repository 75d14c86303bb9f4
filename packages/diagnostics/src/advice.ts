import type { ArtifactTransfer, StageName } from "./artifact-transfer.ts";
import { formatBytes, formatCount, formatFactor, formatRate, formatSeconds } from "./html/format.js";
import type { StepReport } from "./step-report.ts";

/** One thing to change, and the numbers that speak for it. */
export interface Advice {
  /** What to change: a setting, a field of the workflow, or a place to look at. */
  readonly change: string;
  /** What the trace measured. */
  readonly because: string;
  /** Seconds that were spent on what the change is about: no promise, an upper end of what it can save. */
  readonly seconds: number;
  /** `step › artifact` of the worst case; the step alone when it is not about an artifact. */
  readonly where: string;
  /** How many transfers or steps it is about. */
  readonly count: number;
}

/** Below this there is nothing worth a change. */
const WORTH_SECONDS = 1;
/** A transfer that keeps more than this share of its size does not gain from compression. */
const HARDLY_SHRINKS = 0.9;
/** Below this mean size a file costs more to make than to fill, as the executor has it. */
const SMALL_FILE_BYTES = 64 * 1024;
const MANY_FILES = 1000;
/** A range or part of the default size; an object that is not several of them has no use for more streams. */
const RANGE_BYTES = 8 * 1024 * 1024;
/** What all requests together may hold, unless it is said otherwise: `SKEIN_TRANSFER_MEMORY_MIB`. */
const MEMORY_BYTES = 4 * RANGE_BYTES;
/** The share of a step from which waiting for its pod is the thing to look at. */
const PENDING_SHARE = 0.3;
const LOADED_OFTEN = 3;

interface Finding {
  change: string;
  because: string;
  seconds: number;
}

/**
 * What to change, what has cost most first. Each rule looks at one transfer; the same change for several of them is one
 * piece of advice, with the worst one's numbers.
 */
export function adviseOn(artifacts: readonly ArtifactTransfer[], steps: readonly StepReport[]): Advice[] {
  const byChange = new Map<string, Advice & { worst: number }>();
  const add = (where: string, { change, because, seconds }: Finding): void => {
    if (seconds < WORTH_SECONDS) return;
    const known = byChange.get(change);
    const isWorst = !known || seconds > known.worst;
    byChange.set(change, {
      change,
      because: isWorst ? because : known.because,
      where: isWorst ? where : known.where,
      worst: isWorst ? seconds : known.worst,
      seconds: seconds + (known?.seconds ?? 0),
      count: 1 + (known?.count ?? 0),
    });
  };
  const labels = new Map(steps.map(({ node, label }) => [node, label]));
  const placeOf = ({ node, name }: ArtifactTransfer): string => `${labels.get(node) ?? node} › ${name}`;
  for (const transfer of artifacts) {
    if (transfer.error) continue; // its remedy stands with the failure
    for (const finding of findings(transfer)) add(placeOf(transfer), finding);
  }
  for (const step of steps) {
    for (const finding of [pending(step), packing(step)]) if (finding) add(step.label, finding);
  }
  for (const [transfer, finding] of loadedOften(artifacts)) add(placeOf(transfer), finding);
  return [...byChange.values()]
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ worst: _worst, ...advice }) => advice);
}

function findings(transfer: ArtifactTransfer): Finding[] {
  switch (transfer.boundBy) {
    case "network":
      return network(transfer);
    case "compress":
    case "decompress":
      return codec(transfer);
    case "small-files":
      return smallFiles(transfer);
    case "first-byte":
      return firstByte(transfer);
    case "disk":
      return disk(transfer);
    case "throttled":
      return [
        {
          change: "lower SKEIN_TRANSFER_REQUESTS, or ask for a higher rate limit of the store",
          because: `the store asked for less: ${formatCount(transfer.retries)} retries, ${spent(transfer, "retry_wait")} waited`,
          seconds: seconds(transfer, "retry_wait"),
        },
      ];
    case "stalled":
      return [
        {
          change: "look at the network between node and store: connections were open and delivered nothing",
          because: transfer.verdict,
          seconds: transfer.seconds,
        },
      ];
    case "retries":
      return [
        {
          change: "look at the store's errors (the retry events of the span name them)",
          because: `${formatCount(transfer.retries)} retries, ${spent(transfer, "retry_wait")} waited`,
          seconds: seconds(transfer, "retry_wait"),
        },
      ];
    case "packing":
      return []; // said of the step as a whole
    case "none":
      return credentials(transfer);
  }
}

function network(transfer: ArtifactTransfer): Finding[] {
  const { bytes, streams, direction, driver, archive } = transfer;
  const time = seconds(transfer, "network");
  const rate = formatRate(bytes / transfer.seconds);
  const isTunable = driver === "s3" && streams > 0 && bytes > streams * 2 * RANGE_BYTES;
  const setting = direction === "load" ? "SKEIN_S3_RANGES" : "ARTIFACT_S3_UPLOAD_THREADS";
  // What is written straight to its place holds little; of anything else each request may wait in memory as a whole.
  const fillsMemory = (direction === "save" || archive !== "none") && streams * RANGE_BYTES >= MEMORY_BYTES;
  const settings = fillsMemory
    ? `${setting} and, by 8 MiB for each more, SKEIN_TRANSFER_MEMORY_MIB`
    : setting;
  const found: Finding[] = [];
  if (isTunable) {
    found.push({
      change: `raise ${settings} (at most ${streams} ${streams === 1 ? "request was" : "requests were"} in flight)`,
      because: `${formatBytes(bytes)} at ${rate}: ${formatRate(bytes / transfer.seconds / streams)} for each`,
      seconds: time,
    });
  }
  if (driver === "git" && time > 0) {
    found.push({
      change: "set depth: 1 (and singleBranch with branch) on the git artifact, if the history is not needed",
      because: `${formatBytes(bytes)} fetched at ${rate}`,
      seconds: time,
    });
  }
  return found;
}

function codec(transfer: ArtifactTransfer): Finding[] {
  const { boundBy, bytes, unpackedBytes, direction } = transfer;
  const stage = boundBy === "compress" ? "compress" : "decompress";
  const time = seconds(transfer, stage);
  const verb = stage === "compress" ? "packed" : "unpacked";
  const { cores } = transfer;
  const on = cores ? ` on ${cores} ${cores === 1 ? "core" : "cores"}` : "";
  const speed = `${verb} at ${formatRate(unpackedBytes / transfer.seconds)}${on}, ${spent(transfer, stage)} of ${formatSeconds(transfer.seconds)}`;
  if (bytes > 0 && unpackedBytes > 0 && bytes > unpackedBytes * HARDLY_SHRINKS) {
    const kept = Math.round((bytes / unpackedBytes) * 100);
    return [
      {
        change: `use archive: none${direction === "load" ? " where it is saved" : ""}, or archive.tar.compressionLevel: 0 for a directory: it hardly shrinks`,
        because: `${kept} % of ${formatBytes(unpackedBytes)} remained; ${speed}`,
        seconds: time,
      },
    ];
  }
  const container = direction === "load" ? "init (or supervisor)" : "wait and main (or supervisor)";
  return [
    {
      change:
        stage === "compress"
          ? `set archive.tar.compressionLevel: 1, or give ${container} more CPU`
          : `give ${container} more CPU`,
      because: speed,
      seconds: time,
    },
  ];
}

function smallFiles(transfer: ArtifactTransfer): Finding[] {
  const { files, unpackedBytes, archive, direction, streams } = transfer;
  const mean = formatBytes(unpackedBytes / Math.max(1, files));
  const because = `${formatCount(files)} files of ${mean} on average at ${formatCount(files / transfer.seconds)} a second`;
  if (archive === "none" && transfer.driver !== "git") {
    const where = direction === "load" ? " where they are saved" : "";
    return [
      {
        change: `${formatCount(files)} files: archive them${where} (archive: tar)`,
        because,
        seconds: transfer.seconds,
      },
    ];
  }
  const inFlight = streams > 1 ? `, ${streams} at a time` : "";
  return [
    {
      change:
        "write fewer, larger files, or use a faster volume: the number of files counts here, not their size",
      because: because + inFlight,
      seconds: transfer.seconds,
    },
  ];
}

function firstByte(transfer: ArtifactTransfer): Finding[] {
  const time = seconds(transfer, "first_byte") + seconds(transfer, "list");
  return [
    {
      change:
        transfer.driver === "git"
          ? "look at the git server, or give a mirror near the cluster: most of the time it had not answered yet"
          : "look at the store: most of the time it had not answered yet",
      because: `${formatSeconds(time)} of ${formatSeconds(transfer.seconds)} spent waiting for answers`,
      seconds: time,
    },
  ];
}

function disk(transfer: ArtifactTransfer): Finding[] {
  const { unpackedBytes, direction, files } = transfer;
  if (files >= MANY_FILES && unpackedBytes / files < SMALL_FILE_BYTES) return smallFiles(transfer);
  const verb = direction === "load" ? "written" : "read";
  return [
    {
      change:
        "use a faster volume for the artifact (its emptyDir is on the node's disk; medium: Memory is not)",
      because: `${formatBytes(unpackedBytes)} ${verb} at ${formatRate(unpackedBytes / transfer.seconds)}`,
      seconds: seconds(transfer, "disk"),
    },
  ];
}

function credentials(transfer: ArtifactTransfer): Finding[] {
  const time = seconds(transfer, "credentials");
  if (time < transfer.seconds * PENDING_SHARE) return [];
  return [
    {
      change:
        "look at where the credentials come from (the metadata service, STS): getting them took longest",
      because: `${formatSeconds(time)} of ${formatSeconds(transfer.seconds)} spent getting credentials`,
      seconds: time,
    },
  ];
}

function pending({ pendingSeconds, pendingReason, seconds: whole }: StepReport): Finding | undefined {
  if (pendingSeconds < whole * PENDING_SHARE) return undefined;
  const why = pendingReason ? `, ${pendingReason}` : "";
  return {
    change: "look at what pods wait for before their first container: room on the nodes, images, volumes",
    because: `pending for ${formatSeconds(pendingSeconds)} of ${formatSeconds(whole)}${why}`,
    seconds: pendingSeconds,
  };
}

/** The wrapper in main packs on its own, and only then is uploaded; of a volume both happen together. */
function packing({ packed = [] }: StepReport): Finding | undefined {
  const [longest] = packed.toSorted((a, b) => b.seconds - a.seconds);
  if (!longest) return undefined;
  const all = packed.reduce((sum, { seconds: each }) => sum + each, 0);
  const more = packed.length > 1 ? `, the longest of ${formatCount(packed.length)} outputs` : "";
  return {
    change:
      "save large outputs from a volume (an emptyDir in volumeMounts): they are packed while they are uploaded, and what lies in main's own file system before that, by main; or set archive.tar.compressionLevel: 1",
    because: `${longest.path}: ${formatBytes(longest.bytes)} packed by main in ${formatSeconds(longest.seconds)}${more}`,
    seconds: all,
  };
}

/** The same object, loaded by several steps: each pays for all of it again. */
function loadedOften(artifacts: readonly ArtifactTransfer[]): [ArtifactTransfer, Finding][] {
  const loads = artifacts.filter(
    ({ direction, object, error }) => direction === "load" && object !== "" && !error,
  );
  return [...Map.groupBy(loads, ({ object }) => object)]
    .filter(([, same]) => same.length >= LOADED_OFTEN)
    .flatMap(([object, same]) => {
      const [first] = same;
      if (!first) return [];
      const sum = same.reduce((total, { seconds: each }) => total + each, 0);
      const slowest = Math.max(...same.map(({ seconds: each }) => each));
      const finding: Finding = {
        change:
          "load once what several steps need: a volume they share, or one step that does the work of several",
        because: `${object} was loaded ${formatCount(same.length)} times, ${formatSeconds(sum)} in all: ${formatFactor(sum / slowest)} the slowest load`,
        seconds: sum - slowest,
      };
      return [[first, finding] as [ArtifactTransfer, Finding]];
    });
}

function seconds({ stages }: ArtifactTransfer, stage: StageName): number {
  return stages[stage] ?? 0;
}

function spent(transfer: ArtifactTransfer, stage: StageName): string {
  return formatSeconds(seconds(transfer, stage));
}
