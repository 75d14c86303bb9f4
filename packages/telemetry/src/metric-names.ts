import { ATTR, type AttributeKey } from "./attribute-names.ts";

/** One row of the table of metrics in docs/tracing.md. */
export interface MetricDefinition {
  name: string;
  instrument: "histogram" | "counter";
  /** UCUM: https://ucum.org */
  unit: string;
  attributes: readonly AttributeKey[];
  brief: string;
}

const OF_TRANSFERS = [ATTR.artifactDirection, ATTR.artifactDriver, ATTR.artifactArchive] as const;

/**
 * Metrics besides spans. They are made from the spans of transfers and containers as these end, so that both say the same.
 * Nothing in them names a pod or an artifact: each pod is new, and a time series for each would never end.
 */
export const METRICS = {
  transferDuration: {
    name: "argo.artifact.transfer.duration",
    instrument: "histogram",
    unit: "s",
    attributes: [...OF_TRANSFERS, ATTR.artifactBoundBy, ATTR.errorType],
    brief: "Duration of one load or save of one artifact.",
  },
  transferSize: {
    name: "argo.artifact.transfer.size",
    instrument: "histogram",
    unit: "By",
    attributes: OF_TRANSFERS,
    brief: "Bytes on the wire of one load or save of one artifact that succeeded.",
  },
  transferErrors: {
    name: "argo.artifact.transfer.errors",
    instrument: "counter",
    unit: "{error}",
    attributes: [...OF_TRANSFERS, ATTR.errorType],
    brief: "Loads and saves that failed.",
  },
  systemErrors: {
    name: "cicd.system.errors",
    instrument: "counter",
    unit: "{error}",
    attributes: [ATTR.cicdComponent, ATTR.errorType],
    brief:
      "Containers of the executor that failed: everything but the user's own process. https://opentelemetry.io/docs/specs/semconv/cicd/cicd-metrics/",
  },
} as const satisfies Record<string, MetricDefinition>;

/** Bounds of the histograms' buckets: from what nobody notices to what nobody waits for. */
export const DURATION_BOUNDS_SECONDS = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
];
export const SIZE_BOUNDS_BYTES = [1e3, 1e4, 1e5, 1e6, 1e7, 5e7, 1e8, 5e8, 1e9, 5e9, 1e10, 5e10, 1e11, 1e12];
