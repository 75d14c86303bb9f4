import { MAIN_CONTAINER } from "@skein/contract";
import { isContainerOfSet, type NodeGroup, pendingExtent } from "./node-groups.ts";
import { numberAttribute, spanSeconds, type TraceSpan, textAttribute } from "./span.ts";
import {
  SPAN_INIT,
  SPAN_LOAD_ARTIFACTS,
  SPAN_MAIN,
  SPAN_NODE_PHASE,
  SPAN_SUPERVISOR,
  SPAN_WAIT,
  SPAN_WAIT_WORKLOAD,
} from "./span-names.ts";
import { extentOf, formatUnixNano, type TimeExtent } from "./unix-nano.ts";

export interface PackedOutput {
  readonly path: string;
  readonly bytes: number;
  readonly seconds: number;
}

/** One pod of the workflow, from its node's start to its end. All durations in seconds. */
export interface StepReport {
  /** The node's name. */
  readonly node: string;
  /** The node's name without the workflow's in front. */
  readonly label: string;
  readonly nodeId: string;
  readonly traceId: string;
  readonly podName: string;
  readonly template: string;
  /** Argo's word: `Succeeded`, `Failed`, `Error`, … `Unknown` when the trace does not tell. */
  readonly phase: string;
  readonly startedAt: string;
  readonly seconds: number;
  /** From the node's start to its first container's; 0 when the controller does not trace. */
  readonly pendingSeconds: number;
  /** Why, in the controller's word: `ErrImagePull`. Absent when nobody says. */
  readonly pendingReason?: string;
  /** Of the init container; in a pod without one what the supervisor loaded. */
  readonly initSeconds: number;
  /** From the first main container's start to the last one's end, without what its wrapper packed then. */
  readonly mainSeconds: number;
  /** From the end of the last main container's work to the end of the pod's last container: what saving costs. */
  readonly afterMainSeconds: number;
  /** What the wrapper of a main container copied or packed out of its own file system, before anything was uploaded. */
  readonly packed?: readonly PackedOutput[];
  /** Of the first main container that did not end with 0; absent when the trace does not tell. */
  readonly exitCode?: number;
}

/** The step a group of spans shows; `undefined` for the spans that belong to no node. */
export function readStep(group: NodeGroup): StepReport | undefined {
  if (group.nodeId === "" || isContainerOfSet(group)) return undefined;
  const spans = group.rows.map((row) => row.span);
  const named = (...names: string[]) => spans.filter((span) => names.includes(span.name));
  const mains = mainContainers(spans);
  const inits = named(SPAN_INIT);
  const isInitless = inits.length === 0;
  const main = extentOf(mains.map((span) => (isInitless ? sinceReady(workOf(span), span) : workOf(span))));
  const tail = extentOf(named(SPAN_WAIT, SPAN_SUPERVISOR));
  const pending = pendingExtent(group);
  const exitCode = mainExitCode(mains);
  const packed = mains.flatMap(packedOutputs);
  const pendingReason = named(SPAN_NODE_PHASE)
    .map((span) => textAttribute(span.attributes, "message"))
    .find(Boolean);
  return {
    node: group.name,
    label: group.label,
    nodeId: group.nodeId,
    traceId: spans[0]?.traceId ?? "",
    podName: group.podName,
    template: firstTemplate(spans),
    phase: phaseOf(group.nodeSpan, spans, exitCode),
    startedAt: formatUnixNano(group.startUnixNano),
    seconds: spanSeconds(group.nodeSpan ?? group),
    pendingSeconds: pending ? spanSeconds(pending) : 0,
    ...(pendingReason ? { pendingReason } : {}),
    initSeconds: (isInitless ? named(SPAN_LOAD_ARTIFACTS) : inits).reduce(
      (sum, span) => sum + spanSeconds(span),
      0,
    ),
    mainSeconds: spanSeconds(main),
    afterMainSeconds: mains.length > 0 ? Math.max(0, Number(tail.endUnixNano - main.endUnixNano) / 1e9) : 0,
    ...(packed.length > 0 && { packed }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

/** A container is over a little after the executor has noticed that its command is. */
const NOTICED_NANOS = 1_000_000_000n;

/**
 * The wrapped containers of a pod whose end it waits for: all of a containerSet, and not the sidecars, which run under the same wrapper
 * and outlive the saving. Where no span says how long was waited, those called main, or all.
 */
export function mainContainers(spans: readonly TraceSpan[]): readonly TraceSpan[] {
  const wrapped = spans.filter(({ name }) => name === SPAN_MAIN);
  const mains = wrapped.filter(isCalledMain);
  const waited = spans.filter(({ name }) => name === SPAN_WAIT_WORKLOAD);
  if (waited.length === 0) return mains.length > 0 ? mains : wrapped;
  const until = extentOf(waited).endUnixNano + NOTICED_NANOS;
  const awaited = wrapped.filter((span) => isCalledMain(span) || span.endUnixNano <= until);
  return awaited.length > 0 ? awaited : wrapped;
}

function isCalledMain({ attributes }: TraceSpan): boolean {
  return textAttribute(attributes, "k8s.container.name") === MAIN_CONTAINER;
}

/** A main container's time until its wrapper began to pack outputs, which is a part of saving them. */
export function workOf(main: TraceSpan): TimeExtent {
  const { startUnixNano, endUnixNano, events } = main;
  const ended = events.findLast(({ name }) => name === "process.end");
  const packed = events.filter(
    ({ name, timeUnixNano: at }) => name === "pack output" && (!ended || at >= ended.timeUnixNano),
  );
  return packed.reduce(
    (extent, { timeUnixNano: at }) =>
      at >= startUnixNano && at < extent.endUnixNano ? { startUnixNano, endUnixNano: at } : extent,
    { startUnixNano, endUnixNano },
  );
}

/** In a pod without an init container main is there from the start, and its wrapper waits for what the supervisor loads. */
function sinceReady({ startUnixNano, endUnixNano }: TimeExtent, { events }: TraceSpan): TimeExtent {
  const begun = events.find(({ name }) => name === "process.start")?.timeUnixNano ?? startUnixNano;
  const isWithin = begun > startUnixNano && begun <= endUnixNano;
  return { startUnixNano: isWithin ? begun : startUnixNano, endUnixNano };
}

function packedOutputs({ events }: TraceSpan): PackedOutput[] {
  return events.flatMap(({ name, attributes }) => {
    if (name !== "pack output") return [];
    return [
      {
        path: textAttribute(attributes, "file") ?? "",
        bytes: numberAttribute(attributes, "file.size") ?? 0,
        seconds: numberAttribute(attributes, "argo.file.duration") ?? 0,
      },
    ];
  });
}

function firstTemplate(spans: readonly TraceSpan[]): string {
  for (const span of spans) {
    const template = textAttribute(span.attributes, "cicd.pipeline.task.name");
    if (template) return template;
  }
  return "";
}

function mainExitCode(mains: readonly TraceSpan[]): number | undefined {
  const codes = mains
    // A sidecar that was ended is no failure, and its span none either.
    .filter((span) => isCalledMain(span) || span.status === "error" || !isEnded(span))
    .map((span) => numberAttribute(span.attributes, "process.exit.code"));
  return codes.find((code) => code !== undefined && code !== 0) ?? codes.find((code) => code !== undefined);
}

function isEnded({ attributes }: TraceSpan): boolean {
  return [137, 143].includes(numberAttribute(attributes, "process.exit.code") ?? 0);
}

/** The controller's word where it traced the node; else what its containers let one conclude. */
function phaseOf(
  node: TraceSpan | undefined,
  spans: readonly TraceSpan[],
  exitCode: number | undefined,
): string {
  if (node?.status === "ok") return "Succeeded";
  const word = /^(Failed|Error|Skipped|Omitted)\b/.exec(node?.statusMessage ?? "")?.[0];
  if (word) return word;
  if (node?.status === "error") return "Failed";
  if (exitCode !== undefined && exitCode !== 0) return "Failed";
  if (spans.some((span) => span.status === "error")) return "Error";
  const wait = spans.find((span) => span.name === SPAN_WAIT || span.name === SPAN_SUPERVISOR);
  return wait && !wait.unfinished ? "Succeeded" : "Unknown";
}
