import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Case, World } from "./case.ts";
import { type SkeinResult, skein } from "./lab.ts";
import { differences, type PrintedReport } from "./same-report.ts";

const ARRIVES_MS = 30_000;

/** Before any run: until then Jaeger's answers have no lists where lists belong. */
export const EMPTY_CASE: Case = {
  name: "jaeger-empty",
  shows: "a Jaeger that has no traces yet is asked for a workflow, and the error says so",
  async run(world) {
    const { url } = world.stack.jaeger;
    await refused(world, [url, "--workflow", "nobody"], /has no trace of a workflow called nobody/);
    return "no workflow";
  },
};

/** `skein report` of what a real Jaeger answers, against that of the spans as they were sent. */
export const QUERY_CASES: readonly Case[] = [
  {
    name: "jaeger",
    shows: "skein report reads every trace from Jaeger, by address, id and workflow, as it reads the file",
    async run(world) {
      const { stack } = world;
      const { traces } = await report(world, [stack.tracesFile]);
      // Two of them have two traces: the lab's controller made one, `skein trace` the other.
      const newest = new Map<string, PrintedReport>();
      for (const { traceId, workflow, spans } of traces.toSorted(byStart)) {
        await arrived(world, traceId, spans);
        const expected = await report(world, [stack.tracesFile, "--trace", traceId]);
        const byAddress = await report(world, [`${stack.jaeger.url}/trace/${traceId}`]);
        assert.deepEqual(differences(expected, byAddress), [], workflow);
        const byId = await report(world, [stack.jaeger.url, "--trace", traceId]);
        assert.deepEqual(byId, byAddress, workflow);
        newest.set(workflow, byAddress);
      }
      for (const [workflow, expected] of newest) {
        const byWorkflow = await report(world, [stack.jaeger.url, "--workflow", workflow]);
        assert.deepEqual(byWorkflow, expected, workflow);
      }
      assert.ok(newest.size >= 5, `${newest.size} workflows`);
      return `${traces.length} traces of ${newest.size} workflows`;
    },
  },
  {
    name: "jaeger-user",
    shows: "a Jaeger below a path asks for a user, who stands in the address or in SKEIN_QUERY_HEADERS",
    async run(world) {
      const { jaeger, tracesFile } = world.stack;
      const { traces } = await report(world, [tracesFile]);
      const { traceId = "" } = traces[0] ?? {};
      const page = `${jaeger.guarded}/trace/${traceId}`;
      const expected = await report(world, [`${jaeger.url}/trace/${traceId}`]);
      const user = [jaeger.user, jaeger.password].map(encodeURIComponent).join(":");
      assert.deepEqual(await report(world, [page.replace("//", `//${user}@`)]), expected);
      const basic = Buffer.from(`${jaeger.user}:${jaeger.password}`).toString("base64");
      const SKEIN_QUERY_HEADERS = `authorization=Basic ${basic}`;
      assert.deepEqual(await report(world, [page], { SKEIN_QUERY_HEADERS }), expected);
      await refused(world, [page], /answered 401: .*set SKEIN_QUERY_HEADERS/);
      const wrong = page.replace("//", `//${jaeger.user}:some-other@`);
      const { stderr } = await refused(world, [wrong], /answered 401: .*set SKEIN_QUERY_HEADERS/);
      assert.doesNotMatch(stderr, /some-other/);
      return "refused without";
    },
  },
  {
    name: "jaeger-none",
    shows: "a trace and a workflow that Jaeger does not have are errors that say so",
    async run(world) {
      const { url } = world.stack.jaeger;
      const trace = "f".repeat(32);
      await refused(world, [url, "--trace", trace], new RegExp(`${url}/? has no trace ${trace}`));
      await refused(world, [`${url}/trace/${trace}`], new RegExp(`has no trace ${trace}`));
      await refused(world, [url, "--workflow", "nobody"], /has no trace of a workflow called nobody/);
      return "no trace, no workflow";
    },
  },
];

/** The newest is what a query API is asked for by a workflow's name. */
function byStart(a: PrintedReport["traces"][number], b: PrintedReport["traces"][number]): number {
  return a.startedAt < b.startedAt ? -1 : 1;
}

async function report(
  { signal }: World,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PrintedReport> {
  const { exitCode, stdout, stderr } = await skein(["report", ...args, "--json"], { env, signal });
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, "");
  return JSON.parse(stdout) as PrintedReport;
}

async function refused({ signal }: World, args: readonly string[], complaint: RegExp): Promise<SkeinResult> {
  const result = await skein(["report", ...args], { signal });
  assert.match(result.stderr, complaint);
  assert.notEqual(result.exitCode, 0);
  assert.equal(result.stdout, "");
  return result;
}

/** @throws Error with both counts when some of its spans never come */
async function arrived({ stack, signal }: World, traceId: string, spans: number): Promise<void> {
  const deadline = Date.now() + ARRIVES_MS;
  let there = 0;
  while (Date.now() < deadline) {
    there = (await stack.jaeger.spanNames(traceId)).length;
    if (there >= spans) return;
    await delay(200, undefined, { signal });
  }
  throw new Error(`Jaeger has ${there} of the ${spans} spans of ${traceId}`);
}
