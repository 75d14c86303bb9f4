import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { NAMESPACE } from "../cluster/access.ts";
import { type Case, NEWEST } from "../suite/case.ts";
import { assertEnded, assertSucceeded } from "../suite/expect.ts";
import { assertReported, auxiliaryOf, reporting } from "./api-access.ts";

const QUOTAS = `/api/v1/namespaces/${NAMESPACE}/resourcequotas`;
/** No task result may be made any more. */
const NO_RESULTS = { "count/workflowtaskresults.argoproj.io": "0" };

/** What an API server does to everybody at once, so these run alone. */
export const API_TROUBLE_CASES: readonly Case[] = [
  {
    name: "api-server-restart",
    shows: "an API server that dies while main runs and comes back after main's end: everything is reported",
    versions: NEWEST,
    isExclusive: true,
    async run(context) {
      const { world, step } = context;
      const end = await step({
        ...reporting("api-server-restart", context, 1),
        meanwhile: async (pod) => {
          await pod.started("main");
          await world.api.crash();
          await pod.ended("main");
          await delay(1500); // time enough to be refused a connection more than once
          await world.api.start();
        },
      });
      assertSucceeded(end);
      assertReported(end);
    },
  },
  {
    name: "quota",
    shows:
      "a namespace's quota that is exhausted when the pod starts and raised later only delays the task result",
    versions: NEWEST,
    isExclusive: true,
    async run(context) {
      const { world, step } = context;
      const quota = { metadata: { name: "no-results" }, spec: { hard: NO_RESULTS } };
      const { metadata } = await world.api.admin.create(QUOTAS, quota);
      // What a quota controller would do: without it, admission has nothing to go by.
      const status = { hard: NO_RESULTS, used: NO_RESULTS };
      await world.api.admin.put(`${QUOTAS}/no-results/status`, { ...quota, metadata, status });
      const end = await step({
        ...reporting("quota", context, 1),
        meanwhile: async (pod) => {
          await pod.ended("main");
          await world.api.admin.delete(`${QUOTAS}/no-results`);
        },
      });
      assertSucceeded(end);
      assertReported(end);
      assert.match(end.log(auxiliaryOf(context)), /exceeded quota: no-results/);
    },
  },
  {
    name: "too-large",
    shows: "outputs beyond what the API server takes are an Error that names the parameter",
    versions: NEWEST,
    async run(context) {
      const { world, step } = context;
      const end = await step({
        template: {
          name: "too-large",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["head -c 2000000 /dev/zero | tr '\\0' x >/tmp/huge; echo small >/tmp/small"],
          },
          outputs: {
            parameters: [
              { name: "small", valueFrom: { path: "/tmp/small" } },
              { name: "huge", valueFrom: { path: "/tmp/huge" } },
            ],
          },
        },
      });
      assertEnded(end, "main", 0);
      assertEnded(end, auxiliaryOf(context), 64, /huge/);
      assert.equal(end.verdict.phase, "Error");
    },
  },
];
