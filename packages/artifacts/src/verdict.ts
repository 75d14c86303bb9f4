import { STAGE_NAMES, type StageName, type StageTimes, totalSeconds } from "./stage-clock.ts";

/** What a transfer waited for most. */
export type BoundBy =
  | "network"
  | "first-byte"
  | "decompress"
  | "compress"
  | "disk"
  | "small-files"
  | "throttled"
  | "stalled"
  | "retries"
  | "none";

/** What is known of a finished transfer besides its stage times. */
export interface TransferFacts {
  direction: "load" | "save";
  /** On the wire. */
  bytes: number;
  unpackedBytes: number;
  files: number;
  /** Each file is a request of its own, as in a directory of objects; not so in an archive or a git pack. */
  requestPerFile: boolean;
  /** The most connections that were in use at once. */
  streams: number;
  retries: number;
  /** Seconds waited because the store asked for less. */
  throttledSeconds: number;
  /** Seconds in which a connection was open and delivered nothing, until it was left. */
  stalledSeconds: number;
  /** Cores that an archive is compressed on at most. */
  cores?: number;
  /** The first answer of the server, in seconds after it was asked. */
  firstByteSeconds?: number;
}

export interface Verdict {
  boundBy: BoundBy;
  /** One line for people. */
  text: string;
}

/** Shorter transfers are made of start-up costs; naming one of them would mislead. */
const MIN_SECONDS = 0.05;
/** The share of the wall time from which a stage is what the transfer waited for. */
const DOMINANT = 0.4;
/** Below this mean size a file costs more to create than to fill. */
const SMALL_FILE_BYTES = 64 * 1024;
const MANY_FILES = 200;
/** Of so few bytes a rate says nothing. */
const FEW_BYTES = 64 * 1024;

const LOCAL_STAGES: ReadonlySet<StageName> = new Set<StageName>(["disk", "decompress", "compress"]);

/** Says what a transfer was bound by, from where its time went. */
export function judge(times: StageTimes, facts: TransferFacts): Verdict {
  const seconds = totalSeconds(times);
  if (seconds < MIN_SECONDS) return { boundBy: "none", text: `done in ${Math.round(seconds * 1000)} ms` };
  if (facts.stalledSeconds >= DOMINANT * seconds) {
    return {
      boundBy: "stalled",
      text: `stalled: connections delivered nothing for ${facts.stalledSeconds.toFixed(1)} s`,
    };
  }
  const stage = dominantStage(times, seconds);
  if (stage === undefined) return { boundBy: "none", text: "no stage stands out" };
  return describe(stage, times, facts, seconds);
}

function dominantStage(times: StageTimes, seconds: number): StageName | undefined {
  const [first = "other"] = [...STAGE_NAMES].sort((a, b) => times[b] - times[a]);
  return times[first] >= DOMINANT * seconds ? first : undefined;
}

function describe(stage: StageName, times: StageTimes, facts: TransferFacts, seconds: number): Verdict {
  const ofUnpacked = rate(facts.unpackedBytes, seconds);
  const manySmall =
    facts.files >= MANY_FILES && facts.unpackedBytes / Math.max(1, facts.files) < SMALL_FILE_BYTES;
  const manyRequests = manySmall && facts.requestPerFile;
  const few = Math.max(facts.bytes, facts.unpackedBytes) < FEW_BYTES;
  if (few && !manySmall && LOCAL_STAGES.has(stage))
    return { boundBy: "none", text: "too small to tell what it waited for" };
  switch (stage) {
    case "network":
      if (manyRequests) return smallFiles(facts, seconds);
      if (few)
        return {
          boundBy: "first-byte",
          text: `server-bound: ${Math.round(times.network * 1000)} ms for an answer`,
        };
      return networkBound(facts, seconds);
    case "first_byte":
      return manyRequests ? smallFiles(facts, seconds) : serverBound(times, facts);
    case "disk":
      return manySmall
        ? smallFiles(facts, seconds)
        : {
            boundBy: "disk",
            text: `disk-bound: ${facts.direction === "load" ? "written" : "read"} at ${ofUnpacked}`,
          };
    case "decompress":
      return { boundBy: "decompress", text: `decompress-bound: unpacked at ${ofUnpacked}` };
    case "compress":
      return { boundBy: "compress", text: `compress-bound: packed at ${ofUnpacked}${onCores(facts)}` };
    case "retry_wait":
      return retryBound(times, facts);
    case "list":
      return {
        boundBy: "first-byte",
        text: `server-bound: finding out what is there took ${times.list.toFixed(1)} s`,
      };
    case "credentials":
      return { boundBy: "none", text: `getting credentials took ${times.credentials.toFixed(1)} s` };
    case "other":
      return manyRequests ? smallFiles(facts, seconds) : { boundBy: "none", text: "no stage stands out" };
  }
}

function onCores({ cores }: TransferFacts): string {
  return cores === undefined ? "" : ` on ${cores} ${cores === 1 ? "core" : "cores"}`;
}

function networkBound(facts: TransferFacts, seconds: number): Verdict {
  const streams = facts.streams === 1 ? "1 stream" : `${facts.streams} streams`;
  return { boundBy: "network", text: `network-bound: ${streams} at ${rate(facts.bytes, seconds)}` };
}

function smallFiles(facts: TransferFacts, seconds: number): Verdict {
  const perSecond = grouped(Math.round(facts.files / seconds));
  return {
    boundBy: "small-files",
    text: `small-file-bound: ${grouped(facts.files)} files at ${perSecond} a second`,
  };
}

function serverBound(times: StageTimes, facts: TransferFacts): Verdict {
  const first = facts.firstByteSeconds ?? times.first_byte;
  const isFirst = first >= times.first_byte / 2;
  return {
    boundBy: "first-byte",
    text: isFirst
      ? `server-bound: first byte ${Math.round(first * 1000)} ms`
      : `server-bound: ${times.first_byte.toFixed(1)} s waited for answers`,
  };
}

function retryBound(times: StageTimes, facts: TransferFacts): Verdict {
  const retries = facts.retries === 1 ? "1 retry" : `${facts.retries} retries`;
  const waited = `${times.retry_wait.toFixed(1)} s waited`;
  return facts.throttledSeconds >= times.retry_wait / 2
    ? { boundBy: "throttled", text: `throttled: the server asked for less, ${retries}, ${waited}` }
    : { boundBy: "retries", text: `retry-bound: ${retries}, ${waited}` };
}

/** `92 MB/s`, in decimal megabytes as networks are sold. */
export function rate(bytes: number, seconds: number): string {
  const perSecond = seconds > 0 ? bytes / seconds / 1e6 : 0;
  return `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)} MB/s`;
}

/** `41 203`: groups of three, apart, in any locale. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}
