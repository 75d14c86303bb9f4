import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { startServer } from "../e2e/cluster/process.ts";
import { freePort } from "../support/free-port.ts";

/** One element of a vector. */
export interface Sample {
  /** Without `__name__`. */
  labels: Record<string, string>;
  value: number;
}

export interface Exemplar {
  /** Of the series it belongs to. */
  series: Record<string, string>;
  traceId: string;
}

/** A real Prometheus, by its HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/ */
export interface Prometheus extends AsyncDisposable {
  /** @param time in seconds since 1970 */
  query(expr: string, time: number): Promise<Sample[]>;
  /** The last value of each series in the minute before the time. */
  queryRange(expr: string, time: number): Promise<Sample[]>;
  exemplars(expr: string, from: number, to: number): Promise<Exemplar[]>;
  labelValues(label: string, selector: string): Promise<string[]>;
  /** Names of the alerts that fire. */
  firing(): Promise<string[]>;
  /** Health and last error of every rule. */
  rules(): Promise<{ name: string; health: string; lastError?: string }[]>;
}

/** @param scraped `host:port` of the collector's metrics */
export async function startPrometheus(options: {
  program: string;
  directory: string;
  scraped: string;
  rules: string;
}): Promise<Prometheus> {
  const { program, directory, scraped, rules } = options;
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "prometheus.yaml");
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [rules],
      scrape_configs: [{ job_name: "collector", static_configs: [{ targets: [scraped] }] }],
    }),
  );
  const server = await startServer({
    argv: [
      program,
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, "tsdb")}`,
      `--web.listen-address=${address}`,
      "--enable-feature=exemplar-storage",
    ],
    log: join(directory, "prometheus.log"),
    isReady: async () => (await fetch(`http://${address}/-/ready`)).ok,
  });
  const get = async <T>(path: string, parameters: Record<string, string | number> = {}): Promise<T> => {
    const query = new URLSearchParams(
      Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, `${value}`])),
    );
    const response = await fetch(`http://${address}/api/v1/${path}?${query}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== "success") throw new Error(`${body.error}\n${JSON.stringify(parameters)}`);
    return body.data;
  };
  return {
    async query(expr, time) {
      const { result } = await get<{ result: Vector[] }>("query", { query: expr, time });
      return result.map(({ metric, value }) => toSample(metric, value));
    },
    async queryRange(expr, time) {
      const range = { start: time - 60, end: time, step: 15 };
      const { result } = await get<{ result: Matrix[] }>("query_range", { query: expr, ...range });
      return result.map(({ metric, values }) => toSample(metric, values.at(-1) ?? [0, "NaN"]));
    },
    async exemplars(expr, start, end) {
      const found = await get<FoundExemplars[]>("query_exemplars", { query: expr, start, end });
      return found.flatMap(({ seriesLabels, exemplars }) =>
        exemplars.map(({ labels }) => ({ series: seriesLabels, traceId: labels.trace_id ?? "" })),
      );
    },
    labelValues: (label, selector) => get(`label/${label}/values`, { "match[]": selector }),
    async firing() {
      const { alerts } = await get<{ alerts: { state: string; labels: { alertname: string } }[] }>("alerts");
      return alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname);
    },
    async rules() {
      const { groups } = await get<{
        groups: { rules: { name: string; health: string; lastError?: string }[] }[];
      }>("rules");
      return groups.flatMap((group) => group.rules);
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

type Point = [seconds: number, value: string];

interface Vector {
  metric: Record<string, string>;
  value: Point;
}

interface Matrix {
  metric: Record<string, string>;
  values: Point[];
}

interface FoundExemplars {
  seriesLabels: Record<string, string>;
  exemplars: { labels: Record<string, string> }[];
}

function toSample({ __name__: _name, ...labels }: Record<string, string>, [, value]: Point): Sample {
  return { labels, value: Number(value) };
}
