import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ATTR,
  CONTROLLER_SPANS,
  DURATION_BOUNDS_SECONDS,
  METRICS,
  type MetricDefinition,
  SPANS,
} from "@skein/telemetry";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { EXPECTED } from "../observability/expected.ts";
import { DEPLOY, readDashboards, readQueries, readRules } from "../observability/queries.ts";

const SPAN_NAMES = [...Object.keys(CONTROLLER_SPANS), ...Object.keys(SPANS)];

interface CollectorConfig {
  processors: { "filter/known_spans": { trace_conditions: string[] } };
  connectors: {
    span_metrics: { dimensions: { name: string }[]; histogram: { explicit: { buckets: string[] } } };
  };
  exporters: { prometheus: { resource_constant_labels: { included: string[] } } };
}

const config = parse(readFileSync(join(DEPLOY, "collector.yaml"), "utf8")) as CollectorConfig;
const DIMENSIONS = config.connectors.span_metrics.dimensions.map(({ name }) => name);
const RESOURCE = config.exporters.prometheus.resource_constant_labels.included;

/** As the collector's Prometheus exporter translates: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ */
const toLabel = (key: string): string => key.replaceAll(/[^a-zA-Z0-9_]/g, "_");
const UNITS: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" };

function seriesOf({ name, unit, instrument }: MetricDefinition): string[] {
  const base = `${toLabel(name)}${UNITS[unit] ?? ""}`;
  return instrument === "counter"
    ? [`${base}_total`]
    : ["_sum", "_count", "_bucket"].map((suffix) => base + suffix);
}

/** Every series that the shipped configuration makes, with the labels it may have. */
const SERIES = new Map<string, Set<string>>([
  ...Object.values<MetricDefinition>(METRICS).flatMap((metric) =>
    seriesOf(metric).map((name) => [name, labels(...metric.attributes)] as const),
  ),
  ...["calls_total", "duration_seconds_sum", "duration_seconds_count", "duration_seconds_bucket"].map(
    (name) =>
      [
        `traces_span_metrics_${name}`,
        labels("service.name", "span.name", "status.code", ...DIMENSIONS),
      ] as const,
  ),
  ...readRules().flatMap(({ record }) => (record ? [[record, labels()] as const] : [])),
]);

function labels(...keys: string[]): Set<string> {
  return new Set([...keys, ...RESOURCE, "le"].map(toLabel));
}

/** What PromQL itself knows of the words in the queries. */
const WORDS = new Set([
  ..."sum by topk sort_desc histogram_quantile last_over_time avg_over_time offset or and".split(" "),
]);

interface Selector {
  metric: string;
  labels: Record<string, string>;
}

/** The selectors of a query, the labels it groups by, and every other word in it. */
function dissect(expr: string): { selectors: Selector[]; groupedBy: string[]; words: string[] } {
  const selectors = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map(
    ([, metric = "", inside = ""]) => ({
      metric,
      labels: Object.fromEntries(
        [...inside.matchAll(/(\w+)\s*(?:=~|!=|=)\s*"([^"]*)"/g)].map(([, label = "", value = ""]) => [
          label,
          value,
        ]),
      ),
    }),
  );
  const groupedBy = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(/,\s*/));
  const rest = expr
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/by \([^)]*\)/g, "by")
    .replaceAll(/\[[^\]]*\]|offset (\$__range|\$__rate_interval|\d+[mhs])/g, "");
  const words = [...rest.matchAll(/[a-zA-Z_:][\w:]*/g)].map(([word]) => word);
  return { selectors, groupedBy, words: words.filter((word) => !WORDS.has(word)) };
}

describe("deploy/observability/dashboards", () => {
  it.each([...readDashboards()])("%s.json is a dashboard that Grafana can read", (file, dashboard) => {
    expect(dashboard.uid).toBe(`skein-${file}`);
    expect(dashboard.title).not.toBe("");
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    const variables = dashboard.templating.list.map(({ name }) => name);
    expect(variables).toEqual(["datasource", "tempo", "namespace"]);
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const panel of dashboard.panels) {
      expect(panel.description, panel.title).not.toBe("");
      expect(panel.datasource.type).toBe("prometheus");
      expect(panel.datasource.uid).toMatch(/^\$\{datasource\}$/);
      const { x, w, h } = panel.gridPos;
      expect(w > 0 && h > 0 && x >= 0 && x + w <= 24, panel.title).toBe(true);
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const target of panel.targets) expect(target.datasource).toEqual(panel.datasource);
    }
  });

  it.each([...readDashboards()])(
    "%s.json names the labels of its own queries in legends and columns",
    (_file, { panels }) => {
      for (const { title, targets, transformations = [] } of panels) {
        const known = new Set(
          targets.flatMap(({ expr }) => {
            const { groupedBy, selectors } = dissect(expr);
            return [...groupedBy, ...selectors.flatMap((selector) => Object.keys(selector.labels))];
          }),
        );
        const legends = targets.flatMap(({ legendFormat = "" }) =>
          [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label),
        );
        const columns = transformations.flatMap(({ options }) => Object.keys(options.renameByName));
        for (const label of [...legends, ...columns.filter((column) => column !== "Value")]) {
          expect(known, `"${title}" shows ${label}`).toContain(label);
        }
      }
    },
  );

  it("leads from tables to traces by attributes that spans have", () => {
    const attributes = new Set<string>(Object.values(ATTR));
    const urls = [...readDashboards().values()].flatMap(({ panels }) =>
      panels.flatMap(({ fieldConfig }) =>
        fieldConfig.overrides.flatMap(({ properties }) =>
          properties.filter(({ id }) => id === "links").flatMap(({ value }) => value.map(({ url }) => url)),
        ),
      ),
    );
    expect(urls.length).toBeGreaterThan(0);
    for (const url of urls) {
      const panes = new URL(url, "http://grafana").searchParams.get("panes") ?? "";
      const { traces } = JSON.parse(panes) as { traces: { queries: { query: string }[] } };
      const query = traces.queries[0]?.query ?? "";
      const named = [...query.matchAll(/span\.([\w.]+)=/g)].map(([, name]) => name);
      expect(named.length, query).toBeGreaterThan(0);
      for (const name of named) expect(attributes).toContain(name);
    }
  });
});

describe("the queries of deploy/observability", () => {
  it.each(readQueries().map(({ name, expr }) => [name, expr] as const))(
    "%s: uses only metrics, labels and spans that exist",
    (_name, expr) => {
      const { selectors, groupedBy, words } = dissect(expr);
      const metrics = [...selectors.map(({ metric }) => metric), ...words];
      expect(metrics.length).toBeGreaterThan(0);
      const own = new Set<string>();
      for (const metric of metrics) {
        expect([...SERIES.keys()]).toContain(metric);
        for (const label of SERIES.get(metric) ?? []) own.add(label);
      }
      for (const { metric, labels: used } of selectors) {
        for (const label of Object.keys(used)) expect(SERIES.get(metric), metric).toContain(label);
        for (const name of used.span_name?.split("|") ?? []) expect(SPAN_NAMES).toContain(name);
      }
      for (const label of groupedBy) expect(own).toContain(label);
    },
  );

  it("have, each of them, an expectation in make e2e-observability, and no expectation is left over", () => {
    expect(Object.keys(EXPECTED).sort()).toEqual(
      readQueries()
        .map(({ name }) => name)
        .sort(),
    );
  });
});

describe("deploy/observability/rules", () => {
  it("every file is YAML, and every rule has what an operator needs", () => {
    for (const file of readdirSync(join(DEPLOY, "rules"))) {
      const documents = parseAllDocuments(readFileSync(join(DEPLOY, "rules", file), "utf8"));
      for (const document of documents) expect(document.errors).toEqual([]);
    }
    for (const { alert, record, expr, labels: own, annotations } of readRules()) {
      expect(Boolean(alert) !== Boolean(record)).toBe(true);
      expect(expr).not.toBe("");
      if (!alert) continue;
      expect(own?.severity, alert).toMatch(/^(warning|critical)$/);
      expect(Object.keys(annotations ?? {}), alert).toEqual(["summary", "description"]);
    }
  });

  it("the rules' own tests try each alert", () => {
    const tests = readFileSync(join(DEPLOY, "rules/skein.rules.test.yaml"), "utf8");
    for (const { alert } of readRules())
      if (alert) expect(tests).toContain(`alertname: ${alert}\n        exp_alerts`);
  });
});

describe("deploy/observability/collector.yaml", () => {
  it("makes metrics of exactly the spans that are documented", () => {
    const [condition = ""] = config.processors["filter/known_spans"].trace_conditions;
    const [, names = ""] = /IsMatch\(span\.name, "\^\((.*)\)\$"\)$/.exec(condition) ?? [];
    expect(names.split("|")).toEqual(SPAN_NAMES);
  });

  it("takes dimensions from attributes that exist and of which there are few values", () => {
    const attributes = new Set<string>(Object.values(ATTR));
    for (const name of [...DIMENSIONS, ...RESOURCE]) expect(attributes).toContain(name);
    // What is new with each run, pod or file would be a time series without end.
    for (const endless of [
      ATTR.pipelineName,
      ATTR.pipelineRunId,
      ATTR.k8sPodName,
      ATTR.artifactKey,
      ATTR.nodeId,
    ]) {
      expect(DIMENSIONS).not.toContain(endless);
    }
  });

  it("has the buckets of the executor's own histogram", () => {
    const { buckets } = config.connectors.span_metrics.histogram.explicit;
    const seconds = buckets.map((text) =>
      text.endsWith("ms") ? Number.parseInt(text, 10) / 1000 : Number.parseInt(text, 10),
    );
    expect(seconds).toEqual(DURATION_BOUNDS_SECONDS);
  });
});
