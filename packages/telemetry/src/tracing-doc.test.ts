import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ATTR } from "./attribute-names.ts";
import { EVENTS } from "./event-names.ts";
import { fillTables } from "./tracing-doc.ts";

const DOCUMENT = new URL("../../../docs/tracing.md", import.meta.url);

/** The formatter lines up the columns of tables; what they say is the same. */
function withoutPadding(markdown: string): string {
  return markdown.replaceAll(/ +\|/g, " |").replaceAll(/\| ?-+ ?(?=\|)/g, "|---");
}

describe("docs/tracing.md", () => {
  it("says what the constants say: node packages/telemetry/scripts/write-tracing-doc.ts", async () => {
    const text = await readFile(DOCUMENT, "utf8");
    expect(withoutPadding(text)).toBe(withoutPadding(fillTables(text)));
  });

  it("names no attribute of an event that has no definition", () => {
    const known = new Set<string>(Object.values(ATTR));
    const named = Object.values(EVENTS).flatMap((event) => event.attributes as readonly string[]);
    expect(named.filter((key) => !known.has(key))).toEqual([]);
  });
});
