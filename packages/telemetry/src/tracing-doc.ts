import { type AttributeDefinition, CONVENTIONS } from "./attribute-definition.ts";
import { ATTRIBUTES } from "./attribute-names.ts";
import { CONTROLLER_SPANS } from "./controller-span-names.ts";
import { EVENTS, type EventDefinition } from "./event-names.ts";
import { METRICS, type MetricDefinition } from "./metric-names.ts";
import { documentedName, TALK_NAMES } from "./other-names.ts";
import { SPANS, type SpanDefinition } from "./span-names.ts";
import { SWITCHES } from "./switches.ts";

/** Puts the tables made from the constants between their markers, `<!-- spans -->` … `<!-- /spans -->`. */
export function fillTables(markdown: string): string {
  const tables: Record<string, string> = {
    spans: spanTable(SPANS),
    "controller spans": spanTable(CONTROLLER_SPANS),
    events: eventTable(),
    attributes: attributeTable(),
    names: nameTable(),
    metrics: metricTable(),
    switches: switchTable(),
  };
  return Object.entries(tables).reduce((text, [name, table]) => {
    const marked = new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`);
    if (!marked.test(text)) throw new Error(`the document has no place for the table of ${name}`);
    return text.replace(marked, () => `<!-- ${name} -->\n${table}\n<!-- /${name} -->`);
  }, markdown);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

function spanTable(spans: Record<string, SpanDefinition>): string {
  return table(
    ["span", "child of", "in Argo v4.1", "what"],
    Object.entries(spans).map(([name, span]) => [
      `\`${name}\``,
      span.parent,
      span.upstream ? "yes" : "no",
      span.brief,
    ]),
  );
}

function eventTable(): string {
  return table(
    ["event", "on", "attributes", "what"],
    Object.values<EventDefinition>(EVENTS).map((event) => [
      `\`${event.name}\``,
      event.on,
      event.attributes.map((key) => `\`${key}\``).join(", "),
      event.brief,
    ]),
  );
}

function attributeTable(): string {
  return table(
    ["attribute", "type", "on", "what"],
    Object.values<AttributeDefinition>(ATTRIBUTES)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map((attribute) => [
        attribute.source
          ? `[\`${attribute.key}\`](${CONVENTIONS[attribute.source]})`
          : `\`${attribute.key}\``,
        attribute.type,
        attribute.on,
        attribute.brief,
      ]),
  );
}

function nameTable(): string {
  const spans = { ...CONTROLLER_SPANS, ...SPANS };
  const names = [...Object.keys(spans), ...Object.values(EVENTS).map(({ name }) => name)];
  const talk: Readonly<Record<string, string | undefined>> = TALK_NAMES;
  return table(
    ["here and on the wire", "in Argo's documentation", "in the talk"],
    names
      .filter((name) => name in spans || talk[name] !== undefined)
      .map((name) => [
        `\`${name}\``,
        name in spans ? `\`${documentedName(name)}\`` : "–",
        talk[name] === undefined ? "–" : `\`${talk[name]}\``,
      ]),
  );
}

function metricTable(): string {
  return table(
    ["metric", "instrument", "unit", "attributes", "what"],
    Object.values<MetricDefinition>(METRICS).map((metric) => [
      `\`${metric.name}\``,
      metric.instrument,
      `\`${metric.unit}\``,
      metric.attributes.map((key) => `\`${key}\``).join(", "),
      metric.brief,
    ]),
  );
}

function switchTable(): string {
  return table(
    ["switch", "values", "what"],
    SWITCHES.map((each) => [each.name, each.values, each.brief]),
  );
}
