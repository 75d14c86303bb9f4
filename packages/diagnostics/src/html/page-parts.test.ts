import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filePoints } from "./files.js";
import { formatBytes, formatCount, formatFactor, formatRate, formatSeconds } from "./format.js";
import { RowList } from "./row-list.js";
import { createSearch } from "./search.js";
import { tickLabel, timeTicks } from "./ticks.js";
import {
  clampWindow,
  panWindow,
  wholeWindow,
  windowAround,
  windowShowing,
  zoomWindow,
} from "./time-window.js";

describe("formatting", () => {
  it.each([
    [0, "0 s"],
    [0.000_000_2, "1 µs"],
    [0.000_412, "412 µs"],
    [0.0012, "1.2 ms"],
    [0.004, "4 ms"],
    [0.34, "340 ms"],
    [0.9996, "1.00 s"],
    [2.04, "2.04 s"],
    [9.996, "10.0 s"],
    [12.44, "12.4 s"],
    [99.96, "1 m 40 s"],
    [204, "3 m 24 s"],
    [3599.7, "1 h 00 m"],
    [7320, "2 h 02 m"],
  ])("writes %d seconds as %s", (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [812, "812 B"],
    [999.6, "1.00 kB"],
    [12_431_872, "12.4 MB"],
    [1_300_000_000, "1.30 GB"],
    [9_990_000_000_000_000, "9.99 PB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("writes rates, counts and factors", () => {
    expect([formatRate(92e6), formatRate(1234), formatRate(0)]).toEqual([
      "92.0 MB/s",
      "0.0012 MB/s",
      "0.00 MB/s",
    ]);
    expect([formatCount(7), formatCount(1204), formatCount(41_203_000)]).toEqual([
      "7",
      "1 204",
      "41 203 000",
    ]);
    expect([formatFactor(3.04), formatFactor(12.3)]).toEqual(["3.0×", "12×"]);
  });
});

describe("timeTicks", () => {
  it.each([
    [0, 19.6, 5, ["0 s", "5 s", "10 s", "15 s"]],
    [0, 0.9, 4, ["0 s", "0.5 s"]],
    [16.119, 16.1215, 3, ["16.119 s", "16.120 s", "16.121 s"]],
    [0, 0.000_35, 4, ["0 s", "0.1 ms", "0.2 ms", "0.3 ms"]],
    [0, 5400, 4, ["0 s", "30 m", "1 h 00 m", "1 h 30 m"]],
  ])("divides %d to %d seconds into round parts", (from, to, most, labels) => {
    const { step, ticks } = timeTicks(from, to, most);
    expect(ticks.map((tick) => tickLabel(tick, step))).toEqual(labels);
  });

  it("gives ticks within the range, and no more than asked for by much", () => {
    const seconds = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        seconds,
        fc.integer({ min: 2, max: 20 }),
        (from, width, most) => {
          const { step, ticks } = timeTicks(from, from + width, most);
          expect(ticks.length).toBeLessThanOrEqual(most + 2);
          for (const tick of ticks) {
            expect(tick).toBeGreaterThanOrEqual(from - step * 1e-3);
            expect(tick).toBeLessThanOrEqual(from + width + step * 1e-3);
          }
        },
      ),
    );
  });
});

describe("the time window", () => {
  const window = { from: 2, to: 6 };

  it("zooms around a moment that stays where it is", () => {
    const zoomed = zoomWindow(window, 0.5, 3, 10);
    expect(zoomed).toEqual({ from: 2.5, to: 4.5 });
    expect((3 - zoomed.from) / (zoomed.to - zoomed.from)).toBeCloseTo(
      (3 - window.from) / (window.to - window.from),
    );
  });

  it("moves by its own width and stops at the ends", () => {
    expect(panWindow(window, 0.5, 10)).toEqual({ from: 4, to: 8 });
    expect(panWindow(window, 9, 10)).toEqual({ from: 6, to: 10 });
    expect(panWindow(window, -9, 10)).toEqual({ from: 0, to: 4 });
  });

  it("goes to a span only when nothing of it is in sight", () => {
    expect(windowShowing(window, { s: 5, d: 3 }, 10)).toBe(window);
    expect(windowShowing(window, { s: 8, d: 0 }, 10)).toEqual({ from: 6, to: 10 });
    expect(windowAround({ s: 4, d: 2 }, 10)).toEqual({ from: 3.7, to: 6.3 });
  });

  it("stays within the trace and never inverts, however it is moved", () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.double({ min: 1e-9, max: 1e5, noNaN: true }), (a, b, seconds) => {
        const { from, to } = clampWindow({ from: Math.min(a, b), to: Math.max(a, b) }, seconds);
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeGreaterThan(from);
        expect(to).toBeLessThanOrEqual(wholeWindow(seconds).to * (1 + 1e-9));
      }),
    );
  });
});

describe("RowList", () => {
  const rows = [0, 1, 2, 2, 1, 0, 1].map((k, index) => ({
    k,
    n: `row ${index}`,
    s: 0,
    d: 1,
    id: `${index}`,
  }));

  it("hides everything below a folded row and nothing else", () => {
    const list = new RowList(rows);
    expect(list.visible).toEqual([0, 1, 2, 3, 4, 5, 6]);
    list.setFolded(1, true);
    expect(list.visible).toEqual([0, 1, 4, 5, 6]);
    expect(list.countBelow(1)).toBe(2);
    list.foldAll();
    expect(list.visible).toEqual([0, 5]);
    list.unfoldAll();
    expect(list.visible).toHaveLength(7);
  });

  it("unfolds what hides a row, however deep it is", () => {
    const list = new RowList(rows);
    list.setFolded(1, true);
    list.setFolded(0, true);
    list.reveal(3);
    expect(list.visible).toContain(3);
    expect(list.positionOf(3)).toBe(3);
  });

  it("does not fold a row with nothing below", () => {
    const list = new RowList(rows);
    list.setFolded(3, true);
    expect(list.folded.size).toBe(0);
    expect([list.parentOf(3), list.parentOf(0), list.indexById.get("4")]).toEqual([1, -1, 4]);
  });

  it("gives the place of a hidden row as that of the row which hides it", () => {
    const list = new RowList(rows);
    list.setFolded(0, true);
    expect(list.positionOf(3)).toBe(0);
  });
});

describe("createSearch", () => {
  const event = { name: "retry", at: 0, attributes: [["error.type", "s3.slow_down"]] as const };
  const find = createSearch(
    [
      { k: 0, n: "loadArtifact", t: "Source", s: 0, d: 1, r: 0, v: [event] },
      { k: 0, n: "saveArtifact", s: 0, d: 1, r: 1, a: [["aws.s3.key", "a/b.tgz"]], m: "denied" },
    ],
    [[["k8s.pod.name", "pod-1"]], [["k8s.pod.name", "pod-2"]]],
  );

  it.each([
    ["artifact", [0, 1]],
    ["LOADartifact source", [0]],
    ["slow_down", [0]],
    ["s3.key=a/b", [1]],
    ["denied pod-2", [1]],
    ["denied pod-1", []],
    ["  ", []],
  ])("finds the rows that have every word of %j", (query, found) => {
    expect(find(query)).toEqual(found);
  });
});

describe("filePoints", () => {
  const point = (attributes: [string, string | number | null][]) => {
    const event = { name: "download file", at: 0, attributes };
    const row = { k: 0, n: "loadArtifact", s: 0, d: 1, v: [event, { name: "retry", at: 0, attributes: [] }] };
    const facts = { traceId: "t", workflow: "", phase: "", startedAt: "", seconds: 1, spans: 1, pods: 0 };
    return filePoints({ ...facts, rows: [row] });
  };

  it("reads each file's size and time, and the row to go to", () => {
    const attributes: [string, string | number][] = [
      ["file", "a/b"],
      ["file.size", 12],
      ["argo.file.duration", 0.5],
    ];
    const file = { file: "a/b", bytes: 12, seconds: 0.5, rowIndex: 0, load: true };
    expect(point(attributes)).toEqual([{ ...file, failed: false }]);
    expect(point([...attributes, ["error.type", null]])).toEqual([{ ...file, failed: false }]);
    expect(point([...attributes, ["error.type", "disk.full"]])).toEqual([{ ...file, failed: true }]);
  });

  it("leaves out files without a duration, which have no place on the plot", () => {
    expect(
      point([
        ["file", "a"],
        ["file.size", 12],
      ]),
    ).toEqual([]);
  });
});
