import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand } from "../support/command.ts";
import { demoFiles } from "../support/demo-repository.ts";
import { createGitRepository } from "../support/git-repository.ts";
import { startGitServer } from "../support/git-server.ts";
import type { Case, World } from "./case.ts";
import { checkQueries } from "./check-queries.ts";
import { EXAMPLES, skein } from "./lab.ts";
import { fillIn, RULE_TESTS, RULES, readQueries } from "./queries.ts";
import { reportError, runExample, runStalling, traceWorkflow } from "./runs.ts";
import { measuredSpans, settle } from "./settle.ts";
import { tool } from "./stack.ts";

/** Longer than the suite. */
const ALL = "1h";

/** From the collector's configuration to the numbers on the dashboards. */
export const METRIC_CASES: readonly Case[] = [
  {
    name: "rules",
    shows: "promtool accepts the rules, and their own tests pass",
    async run() {
      await runCommand(tool("promtool"), ["check", "rules", "--lint=all", "--lint-fatal", RULES]);
      const output = await runCommand(tool("promtool"), ["test", "rules", RULE_TESTS]);
      return output.replaceAll(/\s+/g, " ").trim().split(" ").at(-1) ?? "";
    },
  },
  {
    name: "grpc",
    shows: "after a run whose executors export over gRPC, every query says what the spans say",
    async run(world) {
      const { exitCode, stderr, summary } = await runExample(world, "artifact-passing.yaml", "grpc", {
        count: "40",
      });
      assert.equal(exitCode, 0, stderr);
      await traceWorkflow(world, summary, "grpc");
      await runStalling(world);
      return await checkAll(world, ALL);
    },
  },
  {
    name: "alert",
    shows: "a transfer that stalled makes SkeinTransferStalled fire, and every rule is healthy",
    async run({ stack, signal }) {
      const rules = await stack.prometheus.rules();
      assert.deepEqual(
        rules.filter(({ health }) => health !== "ok"),
        [],
      );
      let firing = await stack.prometheus.firing();
      for (let tries = 0; tries < 20 && firing.length === 0; tries += 1) {
        await delay(500, undefined, { signal });
        firing = await stack.prometheus.firing();
      }
      assert.deepEqual(firing, ["SkeinTransferStalled"]);
      return firing.join(", ");
    },
  },
  {
    name: "http",
    shows: "after another one over http/protobuf, with parallel pods, every query says what both have done",
    async run(world) {
      world.before = new Set(world.stack.spans().map(({ traceId }) => traceId));
      await delay(2_500, undefined, { signal: world.signal });
      world.between = Math.floor(Date.now() / 1000);
      await delay(1_500, undefined, { signal: world.signal });
      await using repository = await createGitRepository();
      await repository.commit("Spin", demoFiles(EXAMPLES));
      await using server = await startGitServer(repository.path);
      const parameters = { repo: `${server.url}/.git` };
      const { exitCode, stderr, summary } = await runExample(
        world,
        "ci-checkout.yaml",
        "http/protobuf",
        parameters,
      );
      assert.equal(exitCode, 0, stderr);
      await traceWorkflow(world, summary, "http/protobuf");
      return await checkAll(world, ALL);
    },
  },
  {
    name: "range",
    shows: "a range that begins between the two runs holds the numbers of the second one alone",
    async run(world) {
      const time = await settle(world.stack, world.signal);
      const range = `${Math.floor(time) - world.between}s`;
      const { before } = world;
      // The rules have windows of their own.
      const queries = readQueries().filter(({ expr }) => expr.includes("$__ra"));
      const spans = measuredSpans(world.stack).filter(({ traceId }) => !before.has(traceId));
      const { prometheus } = world.stack;
      const checked = await checkQueries(queries, { prometheus, time: Math.floor(time), range, spans });
      return verdict(checked);
    },
  },
  {
    name: "pending",
    shows: "the sum that the talk asks for is there, word for word",
    async run({ stack, signal }) {
      const time = await settle(stack, signal);
      const expr =
        'sum(traces_span_metrics_duration_seconds_sum{phase="Pending", span_name="workflowPhase"})';
      const [sample] = await stack.prometheus.query(expr, time);
      // Two workflows, each of which was pending for 3 s.
      assert.equal(sample?.value, 6);
      assert.deepEqual(
        await stack.prometheus.labelValues("k8s_namespace_name", "traces_span_metrics_calls_total"),
        ["default"],
      );
      return `${sample?.value} s`;
    },
  },
  {
    name: "exemplars",
    shows: "panels with dots have trace ids for them, and Jaeger has those traces",
    async run({ stack }) {
      const now = Date.now() / 1000;
      let found = 0;
      for (const { name, expr, hasExemplars } of readQueries()) {
        if (!hasExemplars) continue;
        const exemplars = await stack.prometheus.exemplars(fillIn(expr, ALL), now - 3600, now);
        assert.ok(exemplars.length > 0, `"${name}" leads to no trace`);
        for (const { traceId, series } of exemplars) {
          const names = await stack.jaeger.spanNames(traceId);
          assert.ok(names.includes(series.span_name ?? ""), `${traceId} has no ${series.span_name}`);
        }
        found += exemplars.length;
      }
      return `${found} exemplars`;
    },
  },
  {
    name: "overlap",
    shows: "reports of containers that ran at the same time are all counted",
    async run({ stack, signal }) {
      const intervals = [
        [20, 10],
        [15, 9],
        [30, 8],
        [12, 11],
      ] as const;
      for (const [startedAgo, endedAgo] of intervals) await reportError(stack.http, startedAgo, endedAgo);
      const query = 'argo_artifact_transfer_errors_total{k8s_namespace_name="overlap"}';
      let counted = 0;
      for (let tries = 0; tries < 20 && counted < intervals.length; tries += 1) {
        await delay(500, undefined, { signal });
        counted = (await stack.prometheus.query(query, Date.now() / 1000))[0]?.value ?? 0;
      }
      assert.equal(counted, intervals.length);
      return `${counted} reports`;
    },
  },
  {
    name: "report",
    shows: "skein report reads the file exporter's output, and its totals are Prometheus' totals",
    async run({ stack, signal }) {
      const { exitCode, stdout, stderr } = await skein(["report", stack.tracesFile, "--json"], { signal });
      assert.equal(exitCode, 0, stderr);
      const { artifacts } = JSON.parse(stdout) as {
        artifacts: { direction: string; driver: string; bytes: number; seconds: number }[];
      };
      const time = await settle(stack, signal);
      const spans = measuredSpans(stack).filter(({ name }) => /^(load|save)Artifact$/.test(name));
      assert.equal(artifacts.length, spans.length);
      for (const [metric, value] of [
        ["argo_artifact_transfer_duration_seconds_sum", "seconds"],
        ["argo_artifact_transfer_size_bytes_sum", "bytes"],
      ] as const) {
        const samples = await stack.prometheus.query(
          `sum by (argo_artifact_driver, argo_artifact_direction) (${metric})`,
          time,
        );
        assert.ok(samples.length > 2, `${metric} has ${samples.length} series`);
        for (const { labels, value: total } of samples) {
          const own = artifacts.filter(
            ({ driver, direction }) =>
              driver === labels.argo_artifact_driver && direction === labels.argo_artifact_direction,
          );
          const sum = own.reduce((before, artifact) => before + artifact[value], 0);
          // The report rounds to microseconds.
          assert.ok(
            Math.abs(sum - total) < 1e-5 * own.length,
            `${JSON.stringify(labels)}: ${sum}, not ${total}`,
          );
        }
      }
      return `${artifacts.length} transfers`;
    },
  },
];

async function checkAll(world: World, range: string): Promise<string> {
  const time = await settle(world.stack, world.signal);
  const spans = measuredSpans(world.stack);
  const { prometheus } = world.stack;
  world.checked = await checkQueries(readQueries(), { prometheus, time, range, spans });
  return verdict(world.checked);
}

/** @throws AssertionError with each number that is another one than the spans have */
function verdict(checked: World["checked"]): string {
  const wrong = checked.flatMap(({ query, problems }) => problems.map((problem) => `${query}: ${problem}`));
  assert.equal(wrong.length, 0, wrong.join("\n"));
  const series = checked.reduce((sum, each) => sum + each.series, 0);
  return `${checked.length} queries, ${series} series`;
}
