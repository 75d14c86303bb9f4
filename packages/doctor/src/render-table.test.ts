import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { fail, ok, skip, warn } from "./check.ts";
import { renderJson } from "./render-json.ts";
import { renderTable } from "./render-table.ts";
import { exitCodeOf, type Report } from "./report.ts";
import type { Result } from "./run-checks.ts";

const result = (id: string, finding: Result["finding"]): Result => ({
  id,
  title: `the ${id}`,
  finding,
  durationMs: 12.4,
});

const REPORT: Report = {
  head: {
    version: "1.2.3",
    inPod: true,
    namespace: "ci",
    serviceAccount: "runner",
    apiServer: "https://10.0.0.1",
  },
  stopped: undefined,
  results: [
    result("api-server", ok("Kubernetes v1.34.4 at https://10.0.0.1, 12 ms")),
    result(
      "task-result-rights",
      fail(
        "system:serviceaccount:ci:runner may not create or patch workflowtaskresults in ci",
        "give the account that pods of workflows run with this right",
        [
          "kubectl -n ci create role skein-executor --verb=create,patch --resource=workflowtaskresults.argoproj.io",
          "kubectl -n ci create rolebinding skein-executor-runner --role=skein-executor --serviceaccount=ci:runner",
        ],
      ),
    ),
    result("task-result-dry-run", skip("task-result-rights comes first")),
    result("s3-list", ok("s3://artifacts/wf/pod/: allowed,\n nothing there\u001b[31m")),
    result(
      "s3-region",
      warn(
        "us-west-2 is configured, and the bucket is in eu-west-1: every pod finds that out by a refused request",
        "set in the repository's s3",
        ["region: eu-west-1"],
      ),
    ),
    result("otlp", skip("OTEL_EXPORTER_OTLP_ENDPOINT is not set, so nothing is traced (docs/tracing.md)")),
    result("git", skip("task-result-rights comes first")),
  ],
};

describe("the table", () => {
  it.each([80, 200])("fits %i columns, but for lines to be copied", async (columns) => {
    const table = renderTable(REPORT, { columns, color: false });
    await expect(table).toMatchFileSnapshot(`testdata/table-${columns}.txt`);
    const copied = REPORT.results.flatMap(({ finding }) =>
      "fix" in finding ? (finding.fix.copy ?? []) : [],
    );
    const long = table.split("\n").filter((line) => line.length > columns && !copied.includes(line.trim()));
    expect(long).toEqual([]);
    // Whole, so that they can be copied.
    for (const line of copied) expect(table).toContain(`      ${line}\n`);
  });

  it("has colours on a terminal only, and says the same without", () => {
    const plain = renderTable(REPORT, { columns: 100, color: false });
    const coloured = renderTable(REPORT, { columns: 100, color: true });
    expect(plain).not.toContain("\u001b");
    expect(coloured).toContain("\u001b[31m✖");
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });
});

describe("the JSON", () => {
  it("has a status, evidence or reason, and a fix for whatever is not well", async () => {
    const json = renderJson(REPORT);
    await expect(json).toMatchFileSnapshot("testdata/report.json");
    expect(JSON.parse(json)).toMatchObject({ exitCode: 1, totals: { ok: 2, warn: 1, fail: 1, skip: 3 } });
  });
});

describe("the exit code", () => {
  it("is 1 when something has failed, and 0 with warnings only", () => {
    expect(exitCodeOf(REPORT)).toBe(1);
    const results = REPORT.results.filter(({ finding }) => finding.status !== "fail");
    expect(exitCodeOf({ ...REPORT, results })).toBe(0);
  });

  it("is the signal's of a command that was told to stop, and the report says that it was", () => {
    const stopped = { ...REPORT, stopped: 130 };
    expect(exitCodeOf(stopped)).toBe(130);
    expect(JSON.parse(renderJson(stopped))).toMatchObject({ exitCode: 130, stopped: true });
    expect(renderTable(stopped, { columns: 80, color: false })).toMatch(
      /\nstopped before it was through: .*\n$/,
    );
  });
});
