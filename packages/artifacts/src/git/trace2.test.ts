import { describe, expect, it } from "vitest";
import { parseTrace2 } from "./trace2.ts";

const line = (sid: string, second: string, event: object) =>
  JSON.stringify({ event: "data", sid, time: `2026-11-26T09:27:${second}Z`, ...event });

const region = (
  sid: string,
  category: string,
  label: string,
  from: string,
  to: string,
  data: object[] = [],
) => [
  line(sid, from, { event: "region_enter", category, label }),
  ...data.map((more) => line(sid, to, more)),
  line(sid, to, { event: "region_leave", category, label }),
];

const total = (objects: number, bytes: number) => [
  { category: "progress", key: "total_objects", value: String(objects) },
  { category: "progress", key: "total_bytes", value: String(bytes) },
];

describe("parseTrace2", () => {
  it("tells the phases of a fetch, with what came", () => {
    const text = [
      line("a", "36.000000", { event: "start", argv: ["git", "fetch"] }),
      ...region("a", "fetch", "remote_refs", "36.100000", "36.250000"),
      line("a", "36.250000", { category: "transfer", key: "negotiated-version", value: "2" }),
      ...region("a", "fetch-pack", "negotiation_v2", "36.250000", "36.250500"),
      ...region("a/b", "progress", "Receiving objects", "37.000000", "38.500000", total(40, 12_000)),
      ...region("a/b", "progress", "Resolving deltas", "38.500000", "39.000000", [total(7, 0)[0] ?? {}]),
    ].join("\n");
    const { phases, hasProtocol } = parseTrace2(text);
    expect(hasProtocol).toBe(true);
    const [connect] = phases;
    const begin = connect?.startMs ?? 0;
    expect(begin).toBeCloseTo(Date.parse("2026-11-26T09:27:36.100Z"), 3);
    const relative = phases.map(({ startMs, endMs, ...more }) => ({
      ...more,
      from: Math.round((startMs - begin) * 1000) / 1000,
      to: Math.round((endMs - begin) * 1000) / 1000,
    }));
    expect(relative).toEqual([
      { name: "connect", from: 0, to: 150 },
      // Until the first object comes.
      { name: "negotiate", from: 150, to: 900 },
      { name: "receive", from: 900, to: 2400, objects: 40, bytes: 12_000 },
      { name: "index", from: 2400, to: 2900, objects: 7 },
    ]);
  });

  it("tells of a clone how long it asked what there is, which git has no region for", () => {
    const text = [
      line("a", "36.000000", { event: "start" }),
      ...region("a", "fetch-pack", "negotiation_v2", "36.250000", "36.250500"),
    ].join("\n");
    expect(parseTrace2(text).phases.map(({ name, startMs, endMs }) => [name, endMs - startMs])).toEqual([
      ["connect", 250],
      ["negotiate", 0.5],
    ]);
  });

  it("passes over what was cut off, and what never ended", () => {
    const text = `${line("a", "36.0", { event: "region_enter", category: "progress", label: "Updating files" })}\n{"event":"region_le`;
    expect(parseTrace2(text)).toEqual({ phases: [], hasProtocol: false });
    expect(parseTrace2("")).toEqual({ phases: [], hasProtocol: false });
  });
});
