import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { sh, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const TICK = { ARGO_PROGRESS_PATCH_TICK_DURATION: "100ms" };
const progressPatches = ({ requests }: Pick<PodEnd, "requests">) =>
  requests.map(({ body }) => body.progress).filter((value) => value !== undefined);

const progress: ConformanceCase[] = [
  ["blanks and carriage returns around a line are no part of it", "  7/8 \\r\\n\\n", "7/8"],
  ["a bad last line makes a good one before it no progress", "1/2\\nalmost\\n", undefined],
  ["less than nothing is invalid", "-1/5", undefined],
  ["a line of kilobytes is invalid and no harm", "%20000s", undefined],
]
  .map(
    ([statement, text, value]): ConformanceCase => ({
      section: "10.4",
      statement: String(statement),
      pod: { template: { container: {} }, argv: sh(`printf -- '${text}' x >$ARGO_PROGRESS_FILE`) },
      check: ({ result }) => expect(result?.progress).toBe(value),
    }),
  )
  .concat([
    {
      section: "10.4",
      statement: "a value that does not change is sent once",
      pod: {
        template: { container: {} },
        env: TICK,
        argv: sh(
          "for i in 1 2 3 4 5 6; do echo 1/2 >>$ARGO_PROGRESS_FILE; sleep 0.15; done; " +
            "while ! test -e /var/run/argo/go; do sleep 0.02; done; echo 1/2 >>$ARGO_PROGRESS_FILE",
        ),
        onRunning: async (pod) => {
          await until(() => progressPatches({ requests: pod.requests() }).length > 0);
          writeFileSync(pod.shared("go"), "");
        },
      },
      check: (end) => expect(progressPatches(end)).toEqual(["1/2"]),
    },
    {
      section: "10.4",
      statement: "several values are sent in their order, the last one last",
      pod: {
        template: { container: {} },
        env: TICK,
        argv: sh(
          "echo 1/3 >$ARGO_PROGRESS_FILE; while ! test -e /var/run/argo/go; do sleep 0.02; done; " +
            "echo 2/3 >$ARGO_PROGRESS_FILE; echo 3/3 >$ARGO_PROGRESS_FILE",
        ),
        onRunning: async (pod) => {
          await until(() => progressPatches({ requests: pod.requests() }).length > 0);
          writeFileSync(pod.shared("go"), "");
        },
      },
      check: (end) => {
        const sent = progressPatches(end);
        expect([sent[0], sent.at(-1)]).toEqual(["1/3", "3/3"]);
        expect(end.result?.progress).toBe("3/3");
      },
    },
    {
      section: "10.4",
      statement: "a file that is replaced by a rename is read, too",
      pod: {
        template: { container: {} },
        argv: sh("echo 3/4 >/var/run/argo/next; mv /var/run/argo/next $ARGO_PROGRESS_FILE"),
      },
      check: ({ result }) => expect(result?.progress).toBe("3/4"),
    },
    {
      section: "10.4",
      statement: "progress that the API server refuses is no failure of the step",
      pod: {
        template: { container: {} },
        api: ({ body }) =>
          body.progress === undefined
            ? undefined
            : { status: 403, reason: "Forbidden", message: "no progress" },
        argv: sh("echo 1/2 >$ARGO_PROGRESS_FILE"),
      },
      expect: { logs: { wait: [/failed to report progress/] } },
    },
    {
      section: "3.1",
      statement: "a tick that is no duration turns progress off",
      pod: {
        template: { container: {} },
        env: { ARGO_PROGRESS_FILE_TICK_DURATION: "often" },
        argv: sh("echo 1/2 >/var/run/argo/progress"),
      },
      expect: { logs: { wait: [/monitoring progress disabled/] } },
      check: ({ result }) => expect(result?.progress).toBeUndefined(),
    },
    {
      section: "3.1",
      statement: "without ARGO_PROGRESS_FILE, as when a controller has progress switched off, there is none",
      pod: {
        template: { container: {} },
        env: {
          ARGO_PROGRESS_FILE: undefined,
          ARGO_PROGRESS_PATCH_TICK_DURATION: undefined,
          ARGO_PROGRESS_FILE_TICK_DURATION: undefined,
        },
        argv: sh("echo 1/2 >/var/run/argo/progress"),
      },
      check: ({ result }) => expect(result?.progress).toBeUndefined(),
    },
  ]);

conformance("odd progress", progress);
