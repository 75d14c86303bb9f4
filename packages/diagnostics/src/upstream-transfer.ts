import type { StageName } from "./artifact-transfer.ts";
import { type TraceSpan, textAttribute } from "./span.ts";
import type { Trace } from "./trace.ts";
import { compareUnixNano } from "./unix-nano.ts";

/** What the spans below a transfer of Argo v4.1's own executor tell of it, whose own span says next to nothing. */
export interface UpstreamTransfer {
  /** `s3`, `http`, `artifactory`; empty when no request tells. */
  readonly driver: string;
  /** As {@link ArtifactTransfer.object}; empty when unknown. */
  readonly object: string;
  /** Seconds: requests count as network, unpacking and packing as the codec. It does one after the other. */
  readonly stages: ReadonlyMap<StageName, number>;
}

/** Requests that carry an artifact's bytes, among those that look for it. Multipart uploads begin and end with a POST. */
const CARRYING: ReadonlySet<string> = new Set(["GetObject", "PutObject", "PostObject"]);

/** Reads the client spans (executor contract §20.2) and the archive's spans below a `loadArtifact` or `saveArtifact`. */
export function readUpstreamTransfer(trace: Trace, span: TraceSpan): UpstreamTransfer {
  const below = descendants(trace, span);
  const requests = below.filter(isRequest);
  const carrying = requests.filter(carriesBytes);
  const [first] = carrying;
  const isS3 = first !== undefined && textAttribute(first.attributes, "s3.bucket") !== undefined;
  const stages = new Map<StageName, number>();
  const add = (stage: StageName, spans: readonly TraceSpan[]): void => {
    const seconds = unionSeconds(spans);
    if (seconds > 0) stages.set(stage, (stages.get(stage) ?? 0) + seconds);
  };
  add("network", requests);
  const unpacking = below.filter(({ name }) => name === "unarchiveArtifact");
  const isPlain = ({ attributes }: TraceSpan) => textAttribute(attributes, "archive") === "none";
  add("disk", unpacking.filter(isPlain));
  add(
    "decompress",
    unpacking.filter((each) => !isPlain(each)),
  );
  add(
    "compress",
    below.filter(({ name }) => name === "archiveArtifact"),
  );
  return {
    driver: isS3 ? "s3" : ((first && textAttribute(first.attributes, "artifact.type")) ?? ""),
    object: isS3
      ? s3Object(carrying)
      : withoutQuery((first && textAttribute(first.attributes, "url.full")) ?? ""),
    stages,
  };
}

function descendants(trace: Trace, span: TraceSpan): TraceSpan[] {
  const found: TraceSpan[] = [];
  const waiting = [...trace.childrenOf(span)];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    found.push(next);
    waiting.push(...trace.childrenOf(next));
  }
  return found;
}

function isRequest({ attributes }: TraceSpan): boolean {
  return attributes.has("s3.operation") || attributes.has("artifact.type");
}

/** A directory is asked for as one object first, which is refused. */
function carriesBytes({ attributes, status }: TraceSpan): boolean {
  if (status === "error") return false;
  const operation = textAttribute(attributes, "s3.operation");
  return operation === undefined || CARRYING.has(operation);
}

/** The key; of several objects the directory they are in. */
function s3Object(requests: readonly TraceSpan[]): string {
  const bucket = textAttribute(requests[0]?.attributes ?? new Map(), "s3.bucket") ?? "";
  const keys = new Set(requests.map(({ attributes }) => textAttribute(attributes, "s3.key") ?? ""));
  const [first = "", ...others] = keys;
  if (first === "") return "";
  let common = first;
  for (const key of others) {
    while (!key.startsWith(common)) common = common.slice(0, -1);
  }
  const path = others.length === 0 ? first : common.slice(0, common.lastIndexOf("/"));
  return path === "" ? "" : `s3://${bucket}/${path}`;
}

/** What signs a request has no place in a report. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}

/** Requests may be made side by side: the time in which at least one was. */
function unionSeconds(spans: readonly TraceSpan[]): number {
  const sorted = spans.toSorted((a, b) => compareUnixNano(a.startUnixNano, b.startUnixNano));
  let [sum, reached] = [0n, 0n];
  for (const { startUnixNano, endUnixNano } of sorted) {
    const from = startUnixNano > reached ? startUnixNano : reached;
    if (endUnixNano > from) sum += endUnixNano - from;
    if (endUnixNano > reached) reached = endUnixNano;
  }
  return Number(sum) / 1e9;
}
