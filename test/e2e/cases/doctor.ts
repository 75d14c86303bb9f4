import assert from "node:assert/strict";
import { STRANGER } from "../cluster/access.ts";
import type { Finished } from "../node/podman.ts";
import { type Case, type CaseContext, NEWEST } from "../suite/case.ts";
import { assertSucceeded } from "../suite/expect.ts";
import type { StepEnd, StepRequest } from "../suite/run-step.ts";
import { assertReported, auxiliaryOf } from "./api-access.ts";

/** As `argoexec doctor --json` prints them: docs/diagnostics.md. */
interface Check {
  id: string;
  status: "ok" | "warn" | "fail" | "skip";
  evidence?: string;
  fix?: unknown;
}

/** What has to be looked at in every pod of these tests, and found well. */
const WELL = [
  ...["task-result-rights", "task-result-dry-run", "settings", "clock", "repository", "s3-addressing"],
  ...["s3-endpoint", "s3-credentials", "s3-list", "s3-put", "s3-head", "s3-get", "s3-delete"],
  ...["known-hosts", "disk", "user", "otlp"],
];

/** Runs the doctor where docs/diagnostics.md says: in the executor's container, while main runs. */
async function consult(
  context: CaseContext,
  name: string,
  request: Partial<StepRequest>,
): Promise<{ end: StepEnd; answer: Finished; checks: Check[] }> {
  let answer: Finished | undefined;
  const end = await context.step({
    ...request,
    template: {
      name,
      container: {
        image: context.world.images.busybox,
        command: ["sh", "-c"],
        args: ["until test -e /tmp/go; do sleep 0.1; done; echo done >/tmp/word"],
      },
      outputs: { parameters: [{ name: "word", valueFrom: { path: "/tmp/word" } }] },
    },
    meanwhile: async (running) => {
      await running.started("main");
      answer = await running.exec(auxiliaryOf(context), "argoexec", "doctor", "--json");
      await running.exec("main", "touch", "/tmp/go");
    },
  });
  assert.ok(answer);
  for (const secret of [context.world.store.secretKey, end.running.volumes.token()])
    assert.ok(!(answer.stdout + answer.stderr).includes(secret), "a secret was printed");
  const { checks } = JSON.parse(answer.stdout) as { checks: Check[] };
  return { end, answer, checks };
}

const idsOf = (checks: readonly Check[], ...statuses: Check["status"][]): string[] =>
  checks.filter(({ status }) => statuses.includes(status)).map(({ id }) => id);

export const DOCTOR_CASES: readonly Case[] = [
  {
    name: "doctor",
    shows:
      "argoexec doctor in the executor's container of a running pod finds all well, and disturbs nothing",
    async run(context) {
      const { end, answer, checks } = await consult(context, "doctor", {});
      assert.equal(answer.exitCode, 0, answer.stdout + answer.stderr);
      assert.deepEqual(
        checks.filter(({ status }) => status === "fail" || status === "warn"),
        [],
      );
      const well = idsOf(checks, "ok");
      assert.deepEqual(
        WELL.filter((id) => !well.includes(id)),
        [],
      );
      assertSucceeded(end);
      assertReported(end);
    },
  },
  {
    name: "doctor-finds",
    shows:
      "argoexec doctor names the missing Role and the collector's wrong protocol, each with what to change",
    versions: NEWEST,
    async run(context) {
      const { answer, checks } = await consult(context, "doctor-finds", {
        serviceAccountName: STRANGER,
        executorEnv: [{ name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "http/protobuf" }],
      });
      assert.equal(answer.exitCode, 1, answer.stdout + answer.stderr);
      assert.deepEqual(idsOf(checks, "fail").toSorted(), ["otlp", "task-result-rights"]);
      const fixOf = (id: string): string => JSON.stringify(checks.find((check) => check.id === id)?.fix);
      assert.match(fixOf("task-result-rights"), /--serviceaccount=argo:stranger/);
      assert.match(fixOf("otlp"), /grpc/);
    },
  },
];
