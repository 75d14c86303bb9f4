import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const DEPLOY = join(import.meta.dirname, "../../deploy/observability");
const DASHBOARDS = join(DEPLOY, "dashboards");
export const RULES = join(DEPLOY, "rules/skein.rules.yaml");
export const RULE_TESTS = join(DEPLOY, "rules/skein.rules.test.yaml");

/** As far as it is looked at: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
export interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: unknown }[] };
  panels: Panel[];
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: { type: string; uid: string };
  targets: Target[];
  transformations?: { id: string; options: { renameByName: Record<string, string> } }[];
  fieldConfig: {
    defaults: { unit: string };
    overrides: { properties: { id: string; value: { url: string }[] }[] }[];
  };
}

export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  /** At the end of the range shown; else over it. */
  instant?: boolean;
  exemplar?: boolean;
  datasource: { type: string; uid: string };
}

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** A query of a panel or a rule, as it stands in the file. */
export interface Query {
  /** `artifacts: Slowest artifacts`, `rule SkeinTransferStalled`: what a person would call it. */
  name: string;
  expr: string;
  isInstant: boolean;
  hasExemplars: boolean;
}

/** By file name, without its ending. */
export function readDashboards(): Map<string, Dashboard> {
  const files = readdirSync(DASHBOARDS).filter((file) => file.endsWith(".json"));
  return new Map(
    files.map((file) => [
      file.replace(/\.json$/, ""),
      JSON.parse(readFileSync(join(DASHBOARDS, file), "utf8")) as Dashboard,
    ]),
  );
}

export function readRules(): Rule[] {
  const { groups } = parse(readFileSync(RULES, "utf8")) as { groups: { name: string; rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Every query of the dashboards and of the rules. */
export function readQueries(): Query[] {
  const ofPanels = [...readDashboards()].flatMap(([file, { panels }]) =>
    panels.flatMap(({ title, targets }) =>
      targets.map(({ expr, instant = false, exemplar = false }) => ({
        name: `${file}: ${title}`,
        expr,
        isInstant: instant,
        hasExemplars: exemplar,
      })),
    ),
  );
  const ofRules = readRules().map(({ record, alert, expr }) => ({
    name: `rule ${record ?? alert}`,
    expr,
    isInstant: true,
    hasExemplars: false,
  }));
  return [...ofPanels, ...ofRules];
}

/** What Grafana makes of a query's variables: the range shown and every namespace. */
export function fillIn(expr: string, range: string): string {
  return expr
    .replaceAll("$__range", range)
    .replaceAll("$__rate_interval", range)
    .replaceAll("$namespace", ".*");
}
