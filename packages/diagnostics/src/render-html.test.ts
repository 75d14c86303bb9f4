import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { buildPageData } from "./page-data.ts";
import { renderHtml } from "./render-html.ts";
import { buildReport } from "./report.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { HOSTILE_TEXTS, hostileTrace } from "./testing/hostile-trace.ts";
import { spansOf, traceOf } from "./testing/parse-documents.ts";

function render(builder: Parameters<typeof spansOf>[0]): string {
  return renderHtml(traceOf(builder), buildReport(spansOf(builder)));
}

/** The contents of the page's elements of one name, as a browser cuts them out. */
function contentsOf(html: string, element: "script" | "style" | "title"): string[] {
  return [...html.matchAll(new RegExp(`<${element}[^>]*>(.*?)</${element}>`, "gs"))].map(
    (match) => match[1] ?? "",
  );
}

describe("renderHtml", () => {
  it("needs nothing from anywhere: no address stands in it but those of the trace and of namespaces", () => {
    const html = render(ciCheckoutTrace());
    const addresses = [...html.matchAll(/\b(?:https?|ftp|wss?):\/\/[^\s"'<\\]*/g)].map(
      ([address]) => address,
    );
    expect(new Set(addresses)).toEqual(
      new Set([
        "http://www.w3.org/2000/svg",
        "https://git.example.com/shop/checkout.git",
        "https://git.example.com/shop/checkout.git@main",
      ]),
    );
    expect(html).not.toMatch(/<(?:link|img|iframe|object|embed|base)\b|\bsrc=|@import|url\(/i);
  });

  it("lets run no script and no style but its own", () => {
    const html = render(ciCheckoutTrace());
    const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const [, script = ""] = contentsOf(html, "script");
    const [style = ""] = contentsOf(html, "style");
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    expect(policy?.split("; ")).toEqual([
      "default-src 'none'",
      `style-src ${hash(style)}`,
      `script-src ${hash(script)}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it("keeps hostile text inside the data, whole and without effect", () => {
    const html = render(hostileTrace());
    const [data = "", script, ...more] = contentsOf(html, "script");
    expect(more).toEqual([]);
    expect(script).toBe(contentsOf(render(ciCheckoutTrace()), "script")[1]);
    expect(data).not.toContain("<");
    const read = JSON.stringify(JSON.parse(data));
    for (const text of HOSTILE_TEXTS) expect(read).toContain(JSON.stringify(text).slice(1, -1));
    expect(contentsOf(html, "title")[0]).not.toMatch(/[<>"]/);
  });

  it("is the same for the same trace, byte for byte", () => {
    expect(render(ciCheckoutTrace())).toBe(render(ciCheckoutTrace()));
  });
});

describe("buildPageData", () => {
  const data = buildPageData([traceOf(ciCheckoutTrace())], buildReport(spansOf(ciCheckoutTrace())));
  const [trace] = data.traces;

  it("lists every span once, below the heading of its pod", () => {
    const ids = trace?.rows.map((row) => row.id).filter(Boolean) ?? [];
    expect(new Set(ids)).toEqual(new Set(traceOf(ciCheckoutTrace()).spans.map((span) => span.spanId)));
    expect(ids).toHaveLength(77);
    expect(trace?.rows.filter((row) => row.k === 0).map((row) => row.n)).toEqual([
      "ci-checkout-x7k2p",
      "checkout",
      "test-unit",
      "test-lint",
      "publish",
    ]);
  });

  it("tells the cause of a failure from the spans that repeat it", () => {
    const failed = trace?.rows.filter((row) => row.e !== undefined && row.k > 0).map((row) => [row.n, row.e]);
    expect(failed).toEqual([
      ["workflow", 1],
      ["node", 1],
      ["runInitContainer", 1],
      ["loadArtifacts", 1],
      ["loadArtifact", 2],
    ]);
  });

  it("writes the resource of each process once", () => {
    expect(data.resources.length).toBeLessThan(15);
    for (const row of trace?.rows ?? []) if (row.r !== undefined) expect(data.resources[row.r]).toBeDefined();
  });
});
