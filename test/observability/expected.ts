import { DURATION_BOUNDS_SECONDS } from "@skein/telemetry";
import type { CollectedSpan } from "../e2e/cluster/collector.ts";
import type { Sample } from "./prometheus.ts";

type Spans = readonly CollectedSpan[];

/**
 * What each query of deploy/observability has to return, computed from the spans that the collector's file exporter has
 * written. By the query's name; a query without an entry fails the suite.
 */
export const EXPECTED: Readonly<Record<string, (spans: Spans) => Sample[]>> = {
  "artifacts: Seconds per transfer: load against save": (spans) =>
    byLabels(transfers(spans), ["argo_artifact_driver", "span_name"], meanSeconds),
  "artifacts: Rate of the wire: load against save": rateOfTheWire,
  "artifacts: Slow transfers": (spans) => byLabels(transfers(spans), ["span_name"], quantile95),
  "artifacts: Rate of the wire over time": rateOfTheWire,
  "artifacts: Slowest artifacts": (spans) => byLabels(transfers(spans), ARTIFACT, meanSeconds),
  "artifacts: Artifacts that cost most": (spans) => byLabels(transfers(spans), ARTIFACT, sumSeconds),
  "artifacts: What transfers waited for": (spans) =>
    byLabels(
      transfers(spans).filter((span) => span.attributes["argo.artifact.bound_by"]),
      ["argo_artifact_bound_by", "span_name"],
      sumSeconds,
    ),
  "artifacts: Failed spans by type": (spans) =>
    byLabels(
      spans.filter((span) => isFailed(span) && span.attributes["error.type"]),
      ["error_type", "span_name"],
      count,
    ),
  "artifacts: Failed transfers by type": (spans) =>
    byLabels(
      transfers(spans).filter(isFailed),
      ["error_type", "argo_artifact_driver", "argo_artifact_direction"],
      count,
    ),
  "artifacts: Failed containers of the executor by type": (spans) =>
    byLabels(
      spans.filter((span) => isFailed(span) && /^run(Init|Wait|Supervisor)Container$/.test(span.name)),
      ["error_type", "cicd_system_component"],
      count,
    ),
  "phases: Pending time of all workflows": (spans) =>
    byLabels(pending(spans, "workflowPhase"), [], sumSeconds),
  "phases: Workflows by phase": (spans) => byLabels(named(spans, "workflowPhase"), ["phase"], meanSeconds),
  "phases: Pods by phase": (spans) => byLabels(named(spans, "nodePhase"), ["phase"], meanSeconds),
  "phases: Pending time by kind": (spans) =>
    byLabels(pending(spans, "workflowPhase", "nodePhase"), ["span_name"], sumSeconds),
  "phases: Slow pods": (spans) => byLabels(pending(spans, "nodePhase"), [], quantile95),
  "phases: Why nodes were pending": (spans) => byLabels(pending(spans, "nodePhase"), ["message"], sumSeconds),
  "phases: Pending time of nodes, as the alert sees it": pendingOfNodes,
  "phases: Where a pod spends its time": (spans) =>
    byLabels(
      spans.filter(({ name }) => /^run(Init|Main|Wait|Supervisor)Container$/.test(name)),
      ["span_name"],
      meanSeconds,
    ),
  "rule skein:node_pending_seconds:mean30m": pendingOfNodes,
  // Nothing is known of the six hours before; that it fires is shown by the rules' own tests.
  "rule SkeinPendingTimeGrows": () => [],
  "rule SkeinTransferStalled": (spans) =>
    byLabels(
      transfers(spans).filter((span) => span.attributes["error.type"] === "transfer.stalled"),
      ["k8s_namespace_name", "argo_artifact_driver", "argo_artifact_direction"],
      count,
    ),
  "rule SkeinTransfersWaitOnStalls": (spans) =>
    byLabels(
      transfers(spans).filter(
        (span) => !isFailed(span) && span.attributes["argo.artifact.bound_by"] === "stalled",
      ),
      ["k8s_namespace_name", "argo_artifact_driver", "argo_artifact_direction"],
      count,
    ),
};

const ARTIFACT = ["argo_artifact_name", "argo_artifact_driver", "span_name"] as const;

/** How a label of a series is told from a span. */
const LABELS: Readonly<Record<string, (span: CollectedSpan) => unknown>> = {
  span_name: ({ name }) => name,
  k8s_namespace_name: ({ resource }) => resource["k8s.namespace.name"],
  argo_artifact_direction: ({ name }) => (name === "loadArtifact" ? "load" : "save"),
  argo_artifact_name: ({ attributes }) => attributes["argo.artifact.name"],
  argo_artifact_driver: ({ attributes }) => attributes["argo.artifact.driver"],
  argo_artifact_bound_by: ({ attributes }) => attributes["argo.artifact.bound_by"],
  error_type: ({ attributes }) => attributes["error.type"],
  cicd_system_component: () => "agent",
  message: ({ attributes }) => attributes.message,
  phase: phaseOf,
};

/** A sample for each combination of labels that the spans have; like Prometheus, without those that are empty. */
function byLabels(spans: Spans, names: readonly string[], value: (group: Spans) => number): Sample[] {
  const groups = Map.groupBy(spans, (span) =>
    JSON.stringify(names.map((name) => [name, LABELS[name]?.(span)]).filter(([, text]) => text)),
  );
  return [...groups].map(([key, group]) => ({
    labels: Object.fromEntries(JSON.parse(key) as [string, string][]),
    value: value(group),
  }));
}

function transfers(spans: Spans): Spans {
  return named(spans, "loadArtifact", "saveArtifact");
}

function named(spans: Spans, ...names: string[]): Spans {
  return spans.filter(({ name }) => names.includes(name));
}

/** The lab's own controller says phases, too, as upstream's does. */
function phaseOf({ attributes }: CollectedSpan): unknown {
  return attributes.phase ?? attributes.node_phase;
}

function pending(spans: Spans, ...names: string[]): Spans {
  return named(spans, ...names).filter((span) => phaseOf(span) === "Pending");
}

function pendingOfNodes(spans: Spans): Sample[] {
  return byLabels(pending(spans, "nodePhase"), ["k8s_namespace_name"], meanSeconds);
}

function rateOfTheWire(spans: Spans): Sample[] {
  const done = transfers(spans).filter((span) => !isFailed(span));
  return byLabels(done, ["argo_artifact_driver", "argo_artifact_direction"], (group) => {
    const bytes = group.map(({ attributes }) => Number(attributes["argo.artifact.bytes"] ?? 0));
    return bytes.reduce((sum, each) => sum + each, 0) / sumSeconds(group);
  });
}

function isFailed({ statusCode }: CollectedSpan): boolean {
  return statusCode === 2;
}

const count = (group: Spans): number => group.length;

function seconds({ startUnixNano, endUnixNano }: CollectedSpan): number {
  return Number(endUnixNano - startUnixNano) / 1e9;
}

export function sumSeconds(group: Spans): number {
  return group.reduce((sum, span) => sum + seconds(span), 0);
}

function meanSeconds(group: Spans): number {
  return sumSeconds(group) / group.length;
}

/** As `histogram_quantile` has it: linear within the bucket, and the last bound for what is beyond it. */
function quantile95(group: Spans): number {
  const bounds = DURATION_BOUNDS_SECONDS;
  const rank = 0.95 * group.length;
  const below = (bound: number): number => group.filter((span) => seconds(span) <= bound).length;
  const index = bounds.findIndex((bound) => below(bound) >= rank);
  const upper = bounds[index];
  if (upper === undefined) return bounds.at(-1) ?? Number.NaN;
  const lower = bounds[index - 1] ?? 0;
  const before = index === 0 ? 0 : below(lower);
  return lower + ((upper - lower) * (rank - before)) / (below(upper) - before);
}
