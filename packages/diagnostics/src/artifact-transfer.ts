import { numberAttribute, spanSeconds, type TraceSpan, textAttribute } from "./span.ts";
import { SPAN_LOAD_ARTIFACT, SPAN_SAVE_ARTIFACT, SPAN_SAVE_ARTIFACTS } from "./span-names.ts";
import type { Trace } from "./trace.ts";
import { formatUnixNano } from "./unix-nano.ts";
import { readUpstreamTransfer } from "./upstream-transfer.ts";
import { type BoundBy, judge, judgePacking, readBoundBy } from "./verdict.ts";

/** Where the time of a transfer can go, from the source of a load to its end. `other` is what no stage claims. */
export const STAGE_NAMES = [
  "credentials",
  "list",
  "first_byte",
  "network",
  "retry_wait",
  "decompress",
  "compress",
  "disk",
  "other",
] as const;

export type StageName = (typeof STAGE_NAMES)[number];

/** What a save consists of for whoever waits for it: its stages, and what the wrapper in main did before the upload began. */
export type PartName = StageName | "packing";

/** The share of a save from which it is what main did before: the executor's own measure for stages. */
const PACKING_DOMINATES = 0.4;
/** Below this many seconds nobody waited for it: the executor's own measure, too. */
const WORTH_A_VERDICT_SECONDS = 0.05;

/** Seconds per stage, in the order of {@link STAGE_NAMES}, without those that took none. They sum to the whole. */
export type StageSeconds = Readonly<Partial<Record<StageName, number>>>;

/** One artifact moved once, as the trace tells it. */
export interface ArtifactTransfer {
  readonly name: string;
  /** The node's name. */
  readonly node: string;
  readonly direction: "load" | "save";
  /** `s3`, `git`, …; `unknown` when the trace does not say, as upstream's do not. */
  readonly driver: string;
  /** Bytes on the wire; 0 when unknown. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: number;
  readonly seconds: number;
  /** What the wrapper in main had spent on packing the output before; absent where it packed nothing. No part of `seconds`. */
  readonly packingSeconds?: number;
  readonly stages: StageSeconds;
  readonly boundBy: BoundBy;
  /** One line for a person: what the time went into. */
  readonly verdict: string;
  /** What was moved, the same text for a load and a save of the same thing: `s3://bucket/key`. Empty when unknown. */
  readonly object: string;
  readonly archive: string;
  readonly streams: number;
  readonly retries: number;
  /** That an archive was compressed on; absent where nothing was, or nobody says. */
  readonly cores?: number;
  /** Present when the transfer failed. */
  readonly error?: { readonly type: string; readonly message: string };
  readonly startedAt: string;
  readonly traceId: string;
  readonly spanId: string;
}

/** From the end of main to the last byte: what a save takes where main packs what it saves. Of all else the transfer's seconds. */
export function wholeSeconds({ seconds, packingSeconds = 0 }: ArtifactTransfer): number {
  return packingSeconds + seconds;
}

/** What the whole consists of, in the order in which it happened. */
export function partsOf({
  stages,
  packingSeconds,
}: ArtifactTransfer): Readonly<Partial<Record<PartName, number>>> {
  return packingSeconds === undefined ? stages : { packing: packingSeconds, ...stages };
}

/** The transfer a span describes; `undefined` for spans of other kinds. */
export function readTransfer(trace: Trace, span: TraceSpan, node: string): ArtifactTransfer | undefined {
  if (span.name !== SPAN_LOAD_ARTIFACT && span.name !== SPAN_SAVE_ARTIFACT) return undefined;
  const { attributes } = span;
  const number = (key: string) => numberAttribute(attributes, `argo.artifact.${key}`) ?? 0;
  const upstream = attributes.has("argo.artifact.name") ? undefined : readUpstreamTransfer(trace, span);
  const packing = Math.max(0, number("packing.duration"));
  const seconds = spanSeconds(span);
  const cores = number("cores");
  const facts = {
    name: textAttribute(attributes, "argo.artifact.name") ?? upstreamName(trace, span),
    node,
    direction: span.name === SPAN_LOAD_ARTIFACT ? ("load" as const) : ("save" as const),
    driver: textAttribute(attributes, "argo.artifact.driver") ?? (upstream?.driver || "unknown"),
    bytes: number("bytes"),
    unpackedBytes: number("unpacked_bytes"),
    files: number("files"),
    seconds,
    ...(packing > 0 && { packingSeconds: packing }),
    stages: readStages(span, seconds, upstream?.stages),
    object: objectOf(span) || (upstream?.object ?? ""),
    archive: textAttribute(attributes, "argo.artifact.archive") ?? "",
    streams: number("streams"),
    retries: number("retries"),
    ...(cores > 0 && { cores }),
    ...readError(span),
    startedAt: formatUnixNano(span.startUnixNano),
    traceId: span.traceId,
    spanId: span.spanId,
  };
  const own = readBoundBy(textAttribute(attributes, "argo.artifact.bound_by"));
  const verdict = textAttribute(attributes, "argo.artifact.verdict") || judge(facts, own);
  const whole = packing + seconds;
  if (packing < PACKING_DOMINATES * whole || whole < WORTH_A_VERDICT_SECONDS || facts.error)
    return { ...facts, boundBy: own, verdict };
  return { ...facts, boundBy: "packing", verdict: judgePacking(facts, packing, verdict) };
}

/**
 * The stages as measured inside the span. What they leave of the span's duration is `other`; where two clocks
 * make them add up to more than the duration, all are shortened alike, so that the sum always holds.
 */
function readStages(
  span: TraceSpan,
  seconds: number,
  upstream: ReadonlyMap<StageName, number> | undefined,
): StageSeconds {
  const measured = new Map<StageName, number>();
  let sum = 0;
  for (const stage of STAGE_NAMES) {
    const value =
      upstream?.get(stage) ?? numberAttribute(span.attributes, `argo.artifact.time.${stage}`) ?? 0;
    if (value <= 0) continue;
    measured.set(stage, value);
    sum += value;
  }
  const scale = sum > seconds ? seconds / sum : 1;
  const remainder = Math.max(0, seconds - sum);
  const stages: Partial<Record<StageName, number>> = {};
  for (const stage of STAGE_NAMES) {
    const value = (measured.get(stage) ?? 0) * scale + (stage === "other" ? remainder : 0);
    if (value > 0) stages[stage] = value;
  }
  return stages;
}

function objectOf({ attributes }: TraceSpan): string {
  const bucket = textAttribute(attributes, "aws.s3.bucket");
  const s3Key = textAttribute(attributes, "aws.s3.key");
  if (bucket && s3Key) return `s3://${bucket}/${s3Key}`;
  const repository = textAttribute(attributes, "vcs.repository.url.full");
  if (repository) {
    const revision =
      textAttribute(attributes, "vcs.ref.head.name") ?? textAttribute(attributes, "vcs.ref.head.revision");
    return revision ? `${repository}@${revision}` : repository;
  }
  const key = textAttribute(attributes, "argo.artifact.key");
  if (!key) return "";
  const driver = textAttribute(attributes, "argo.artifact.driver") ?? "unknown";
  // A path says nothing without its host.
  const host = key.startsWith("/") ? textAttribute(attributes, "server.address") : undefined;
  return host ? `${driver}://${host}${key}` : `${driver}:${key}`;
}

/** Upstream names a load only by its target path, and a save by an event on the parent before each artifact. */
function upstreamName(trace: Trace, span: TraceSpan): string {
  const path = textAttribute(span.attributes, "path");
  if (path) return path.replace(/\/+$/, "").split("/").at(-1) || path;
  const parent = trace.parentOf(span);
  if (parent?.name !== SPAN_SAVE_ARTIFACTS) return "(unnamed)";
  const before = parent.events.filter((event) => event.timeUnixNano <= span.startUnixNano);
  const file = before.at(-1)?.attributes.get("file");
  return typeof file === "string" ? file : "(unnamed)";
}

function readError(span: TraceSpan): Pick<ArtifactTransfer, "error"> {
  if (span.status !== "error") return {};
  return { error: { type: textAttribute(span.attributes, "error.type") ?? "", message: span.statusMessage } };
}
