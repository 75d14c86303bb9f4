import { createHash } from "node:crypto";
import { buildPageData } from "./page-data.ts";
import { type PageSources, readPageSources } from "./page-sources.ts";
import type { Report } from "./report.ts";
import type { Trace } from "./trace.ts";

/**
 * One self-contained page that shows traces and their report. It asks the network for nothing and its policy forbids it
 * to. Text from traces reaches it as JSON in a data block and its document as text nodes only; were one to slip
 * through as markup, the policy runs no script but the page's own.
 */
export function renderHtml(
  traces: Trace | readonly Trace[],
  report: Report,
  sources: PageSources = readPageSources(),
): string {
  const all = "spans" in traces ? [traces] : traces;
  const data = escapeForScript(JSON.stringify(buildPageData(all, report)));
  const { css, script } = sources;
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(css)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeMarkup(titleOf(report))}</title>
<style>${css}</style>
</head>
<body>
<noscript>This page draws the trace with a script of its own; without scripts it stays empty.</noscript>
<script type="application/json" id="page-data">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

function titleOf(report: Report): string {
  const [first] = report.traces;
  return [first?.workflow || first?.traceId || "no trace", "Skein"].join(" · ");
}

/** Inside a script element only `<` can end it or open a comment; JSON may spell it as an escape. */
function escapeForScript(json: string): string {
  return json.replaceAll("<", "\\u003c");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
