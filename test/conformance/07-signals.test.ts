import { existsSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { appears, SAYS, said, sh, sharedText, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const plain = { container: {} };
const GRACE = { ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "1" };
const NO_TRAP = "touch /var/run/argo/up; sleep 600 & wait";

/** Main waits for a signal, says which one came, and ends with 3. */
const trapping = (signal: string): string[] =>
  sh(`trap 'echo ${signal} >/tmp/p; exit 3' ${signal}; touch /var/run/argo/up; while :; do sleep 0.05; done`);
const DEAF = sh("trap '' TERM; touch /var/run/argo/up; while :; do sleep 0.05; done");

const forwarded: ConformanceCase[] = ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "CONT", "WINCH"].map(
  (signal) => ({
    section: "7.3",
    statement: `SIG${signal} to the container reaches the command`,
    pod: {
      template: { ...plain, ...SAYS },
      controller: false,
      argv: trapping(signal),
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.main.kill(`SIG${signal}` as NodeJS.Signals);
      },
    },
    expect: { exitCodes: { main: 3 }, outputs: said(signal) },
  }),
);

const files: ConformanceCase[] = [
  {
    section: "7.3",
    statement: "a number in the signal file is sent to the command, and the file is removed",
    pod: {
      template: { ...plain, ...SAYS },
      controller: false,
      argv: trapping("USR1"),
      onRunning: async (pod) => {
        await appears(pod, "up");
        writeFileSync(pod.shared("ctr/main/signal"), "10");
        await until(() => !existsSync(pod.shared("ctr/main/signal")));
      },
    },
    expect: { exitCodes: { main: 3 }, outputs: said("USR1") },
    check: (end) => expect(existsSync(end.shared("ctr/main/signal"))).toBe(false),
  },
  ...["junk", "0", "-15", ""].map(
    (content): ConformanceCase => ({
      section: "7.3",
      statement: `${JSON.stringify(content)} in the signal file is ignored`,
      pod: {
        template: plain,
        argv: sh(`printf %s '${content}' >/var/run/argo/ctr/main/signal; sleep 0.1`),
      },
    }),
  ),
  {
    section: "7.3",
    statement: "a SIGTERM does not make the container deaf to the SIGKILL in its signal file",
    pitfall: 39,
    pod: {
      template: plain,
      controller: false,
      argv: DEAF,
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.main.kill("SIGTERM");
        writeFileSync(pod.shared("ctr/main/signal"), "9");
      },
    },
    expect: { exitCodes: { main: 137 } },
  },
  {
    section: "7.3",
    statement: "a command without a handler ends by the signal, with 128 and its number",
    pod: {
      template: plain,
      controller: false,
      argv: sh(NO_TRAP),
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.main.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { main: 143 } },
  },
  {
    section: "7.3",
    statement: "children of the command in its group get the signal, too",
    pod: {
      template: plain,
      controller: false,
      // The child says itself that it is there: a shell that has none yet would wait for the one it then starts.
      argv: ["sh", "-c", `trap 'exit 4' TERM; sh -c 'touch /var/run/argo/up; exec sleep 600'; exit 9`],
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.main.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { main: 4 } },
  },
  {
    section: "7.3",
    statement: "outputs of a command that was told to stop are saved",
    pod: {
      template: { ...plain, ...SAYS },
      argv: sh("echo kept >/tmp/p; touch /var/run/argo/up; sleep 600"),
      onRunning: async (pod) => {
        await appears(pod, "up");
        for (const container of Object.values(pod.containers)) container.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { main: 143 }, outputs: said("kept") },
  },
];

const sidecars: ConformanceCase[] = [
  {
    section: "7.3",
    statement: "a sidecar ends by itself after main, without any controller",
    pod: { template: plain, controller: false, env: GRACE, sidecars: { side: ["sleep", "600"] } },
    expect: { exitCodes: { side: 143 } },
  },
  {
    section: "7.3",
    statement: "a sidecar may clean up when main has ended",
    pod: {
      template: plain,
      controller: false,
      argv: sh("while ! test -e /var/run/argo/up; do sleep 0.02; done"),
      sidecars: {
        side: sh(
          "trap 'echo bye >/var/run/argo/bye; exit 0' TERM; touch /var/run/argo/up; while :; do sleep 0.05; done",
        ),
      },
    },
    check: (end) => expect(sharedText(end, "bye")).toBe("bye\n"),
  },
  ...[false, true].map(
    (controller): ConformanceCase => ({
      section: "7.3",
      statement: `a sidecar that ignores SIGTERM is killed after the grace period, ${
        controller ? "also when the controller has sent a SIGTERM" : "without any controller"
      }`,
      pitfall: 39,
      pod: {
        template: plain,
        controller,
        env: GRACE,
        argv: sh("while ! test -e /var/run/argo/up; do sleep 0.02; done"),
        sidecars: { side: DEAF },
      },
      expect: { exitCodes: { side: 137 } },
    }),
  ),
  {
    section: "7.3",
    statement: "a sidecar that ends before main is left alone",
    pod: {
      template: plain,
      argv: sh("while ! test -e /var/run/argo/ctr/side/exitcode; do sleep 0.02; done"),
      sidecars: { side: ["true"] },
    },
  },
  {
    section: "1.8",
    statement: "main's end counts, whatever a sidecar ended with",
    pod: {
      template: { ...plain, ...SAYS },
      argv: sh("while ! test -e /var/run/argo/ctr/side/exitcode; do sleep 0.02; done; echo v >/tmp/p"),
      sidecars: { side: sh("exit 5") },
    },
    expect: { exitCodes: { side: 5 }, outputs: said("v") },
  },
];

conformance("signals and sidecars", [...forwarded, ...files, ...sidecars]);
