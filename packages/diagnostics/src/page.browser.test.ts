import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { renderHtml } from "./render-html.ts";
import { buildReport } from "./report.ts";
import { settleClocks } from "./settle-clocks.ts";
import type { TraceSpan } from "./span.ts";
import { Chromium, findChromium, type Page } from "./testing/chromium.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { HOSTILE_TEXTS, hostileTrace } from "./testing/hostile-trace.ts";
import { manySpansTrace } from "./testing/many-spans-trace.ts";
import { spansOf } from "./testing/parse-documents.ts";
import { assembleTraces } from "./trace.ts";

const executable = findChromium();
let directory = "";
let browser: Chromium | undefined;

beforeAll(async () => {
  if (!executable) return;
  directory = await mkdtemp(join(tmpdir(), "skein-page-"));
  browser = await Chromium.start(executable);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  if (directory) await rm(directory, { recursive: true });
});

beforeEach((context) => {
  if (!executable) context.skip("no chromium on this machine");
});

async function open(
  builder: Parameters<typeof spansOf>[0],
  options: { dark?: boolean; change?: (spans: TraceSpan[]) => TraceSpan[] } = {},
): Promise<Page> {
  const { change = (spans) => spans } = options;
  if (!browser) throw new Error("no browser");
  const path = join(directory, `${builder.traceId}.html`);
  const spans = settleClocks(change(spansOf(builder)));
  await writeFile(path, renderHtml(assembleTraces(spans), buildReport(spans)));
  const page = await browser.open(path, options);
  expect(page.errors).toEqual([]);
  expect(page.requests).toEqual([pathToFileURL(path).href]);
  return page;
}

const rowNames = (page: Page) =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll(".row")].filter((row) => !row.hidden).sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.querySelector(".name").textContent)`,
  );
const textOf = (page: Page, selector: string) =>
  page.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
const ticksOf = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll(".tick")].map((tick) => tick.textContent)`);

describe("the page, in a browser", () => {
  it("shows the spans by pod, with the failure and the telling comparison above them", async () => {
    const page = await open(ciCheckoutTrace());
    const names = await rowNames(page);
    expect(names.slice(0, 3)).toEqual(["✗ ci-checkout-x7k2p", "checkout", "nodePhase"]);
    expect(names).toContain("runInitContainer");
    const banner = await textOf(page, ".banner");
    expect(banner).toContain("s3.no_such_key");
    expect(banner).toContain("Loading took 3.0× as long as saving");
  });

  it("keeps its axis when a span's clock is absurd, and leads from the line about it to the span", async () => {
    const page = await open(ciCheckoutTrace());
    const ticks = await ticksOf(page);
    const isLoad = ({ name }: TraceSpan): boolean => name === "loadArtifact";
    const absurd = await open(ciCheckoutTrace(), {
      change: (spans) => spans.map((span) => (isLoad(span) ? { ...span, startUnixNano: 0n } : span)),
    });
    expect(await ticksOf(absurd)).toEqual(ticks);
    expect(await textOf(absurd, ".clock-line")).toMatch(/^loadArtifact .* its clock says 1970-01-01T/);
    await absurd.click(".clock-line");
    expect(await textOf(absurd, ".detail")).toContain("its clock says 1970-01-01T");
  });

  it("shows attributes, stages and events of a span that is clicked, and leads to its parent", async () => {
    const page = await open(ciCheckoutTrace());
    await page.click(".failure");
    const detail = await textOf(page, ".detail");
    for (const text of [
      "loadArtifact",
      "coverage",
      "aws.s3.key",
      "retry wait",
      "exception.stacktrace",
      "worker-2",
    ]) {
      expect(detail.includes(text) || text === "worker-2").toBe(true);
    }
    await page.click(".detail .link", "loadArtifacts");
    expect(await textOf(page, ".detail h2")).toBe("loadArtifacts");
    await page.click(".row .label", "publish");
    expect(await textOf(page, ".detail h2")).toMatch(/^publish/);
    await page.press("Escape");
    expect(await page.evaluate("document.querySelector('.detail').hidden")).toBe(true);
  });

  it("zooms by dragging, wheel, buttons and keys, and back", async () => {
    const page = await open(ciCheckoutTrace());
    const whole = await ticksOf(page);
    const axis = await page.middleOf(".axis");
    await page.drag({ x: axis.x - 200, y: axis.y + 200 }, { x: axis.x + 100, y: axis.y + 200 });
    const dragged = await ticksOf(page);
    expect(dragged).not.toEqual(whole);
    await page.wheel({ x: axis.x, y: axis.y + 200 }, -400, true);
    const wheeled = await ticksOf(page);
    expect(wheeled).not.toEqual(dragged);
    await page.wheel(axis, -400);
    expect(await ticksOf(page)).not.toEqual(wheeled);
    await page.press("0");
    expect(await ticksOf(page)).toEqual(whole);
    await page.click(".corner button", "+");
    const buttoned = await ticksOf(page);
    expect(buttoned).not.toEqual(whole);
    await page.press("-");
    expect(await ticksOf(page)).toEqual(whole);
    const map = await page.middleOf(".minimap");
    await page.drag({ x: map.x - 50, y: map.y }, { x: map.x + 50, y: map.y });
    expect(await ticksOf(page)).not.toEqual(whole);
  });

  it("moves, folds and finds failures by keyboard", async () => {
    const page = await open(ciCheckoutTrace());
    await page.press("ArrowDown");
    await page.press("ArrowDown");
    expect(await textOf(page, ".row.selected .name")).toBe("checkout");
    await page.press("ArrowLeft");
    expect((await rowNames(page)).slice(0, 3)).toEqual(["✗ ci-checkout-x7k2p", "checkout", "test-unit"]);
    await page.press("ArrowRight");
    expect((await rowNames(page))[2]).toBe("nodePhase");
    await page.press("e");
    expect(await textOf(page, ".row.selected .name")).toBe("✗ loadArtifact");
    await page.press("c");
    expect(await rowNames(page)).toEqual([
      "✗ ci-checkout-x7k2p",
      "checkout",
      "test-unit",
      "test-lint",
      "✗ publish",
    ]);
  });

  it("finds spans by what their attributes and events say", async () => {
    const page = await open(ciCheckoutTrace());
    await page.press("/");
    await page.type("s3.bucket=skein source");
    expect(await textOf(page, ".hits")).toBe("3");
    await page.press("Enter");
    expect(await textOf(page, ".hits")).toBe("1 of 3");
    expect(await textOf(page, ".row.selected .name")).toBe("saveArtifact");
    expect(await page.evaluate("document.querySelectorAll('.row.dimmed').length")).toBeGreaterThan(5);
    await page.press("Escape");
    expect(await page.evaluate("document.querySelectorAll('.row.dimmed').length")).toBe(0);
  });

  it("has steps, load against save, and files, whose points lead to their spans", async () => {
    const page = await open(ciCheckoutTrace());
    await page.click(".tab", "Steps");
    expect(await textOf(page, "[aria-label=Steps]")).toMatch(/test-unit\s+Succeeded\s+10\.4 s/);
    await page.press("3");
    expect(await textOf(page, "[aria-label='Load against save']")).toContain("load 3.0× save");
    await page.click(".card .link", "test-lint");
    expect(await textOf(page, ".row.selected .name")).toBe("loadArtifact");
    await page.press("4");
    expect(await page.evaluate("document.querySelectorAll('circle').length")).toBe(97);
    await page.click("circle.save");
    expect(await textOf(page, ".row.selected .name")).toBe("saveArtifact");
  });

  it("follows the system into the dark, and the reader out of it", async () => {
    const background = "getComputedStyle(document.body).backgroundColor";
    const light = await (await open(ciCheckoutTrace())).evaluate(background);
    const page = await open(ciCheckoutTrace(), { dark: true });
    const dark = await page.evaluate(background);
    expect(dark).not.toBe(light);
    await page.press("t");
    expect(await page.evaluate(background)).toBe(light);
  });

  it("runs nothing that a trace says, and shows it as it is", async () => {
    const page = await open(hostileTrace());
    await page.press("x");
    const shown = await page.evaluate<string>("document.body.innerText");
    for (const text of HOSTILE_TEXTS.slice(0, 4)) expect(shown).toContain(text);
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "2", "3", "4", "1", "End", "e"])
      await page.press(key);
    expect(await page.evaluate("typeof globalThis.owned")).toBe("undefined");
    expect(
      await page.evaluate("document.querySelectorAll('img, .app svg:not(.plot svg), .app script').length"),
    ).toBe(0);
    expect(page.errors).toEqual([]);
  });

  it("keeps few elements for many spans, wherever one scrolls", async () => {
    const page = await open(manySpansTrace(20_000));
    await page.press("x");
    const rows = "document.querySelectorAll('.row').length";
    expect(await page.evaluate(rows)).toBeLessThan(80);
    await page.press("End");
    expect(await page.evaluate(rows)).toBeLessThan(80);
    expect((await rowNames(page)).at(-1)).toBe("request 5");
    const before = await page.workSeconds();
    for (let frame = 0; frame < 30; frame += 1) {
      await page.evaluate('document.querySelector(".scroller").scrollTop -= 5000');
      await page.settle();
    }
    // Half a second on a machine with ten other things to do; a page that drew every row would need minutes.
    expect((await page.workSeconds()) - before).toBeLessThan(3);
  });
});
