import { existsSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { PodFilesystem, RunningPod } from "../support/pods/pod-request.ts";
import {
  coreWasKilled,
  gate,
  isCreation,
  journal,
  kill,
  killCore,
  once,
  type Scene,
  type Struck,
  starts,
  strike,
  struck,
  terminate,
  UNTIL_GO,
  unheard,
  writing,
} from "./support/blows.ts";
import { appears, raw, sh, until } from "./support/builders.ts";
import { conformance } from "./support/conformance.ts";
import { halfLoaded, inputs, isHalfLoaded, withInput } from "./support/half-loaded.ts";

const AGAIN = { restarts: { supervisor: 1 } };
const isLoading = starts("load", "supervisor");
const hit = (moment: Parameters<typeof strike>[1], blow: typeof kill) => strike("supervisor", moment, blow);

/** Nothing can come of the pod, and everybody says so. */
const neverReady = (message: RegExp): Pick<Struck, "left" | "expect"> => ({
  left: { reported: false, complete: true },
  expect: { exitCodes: { supervisor: 64, main: 65 }, messages: { supervisor: message, main: /./ } },
});

const load: Struck[] = [
  {
    section: "9.1",
    statement:
      "SIGTERM to the supervisor as it begins to load ends the pod: 64, main 65, and a complete report",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      ...hit(isLoading, terminate),
    }),
    ...neverReady(/SIGTERM/),
  },
  {
    section: "9.1",
    statement: "SIGTERM to the supervisor while it loads leaves an input whole or not at all",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      ...hit(isHalfLoaded, terminate),
    }),
    ...neverReady(/SIGTERM/),
    check: (pod) => expect(inputs(pod)).toEqual(["a"]),
  },
  {
    section: "8.4",
    statement: "a deadline that passes while the supervisor loads leaves an input whole or not at all",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      env: { ARGO_DEADLINE: new Date(Date.now() + 4_000).toISOString() },
    }),
    ...neverReady(/^Step exceeded its deadline$/),
    // On a busy machine it may pass before the first is there.
    check: (pod) => expect(["a", ""]).toContain(inputs(pod).join()),
  },
  {
    section: "9.1",
    statement: "SIGKILL of the supervisor's loading alone, at its start, ends the pod and says so",
    scene: async (cluster, key) => ({ ...(await halfLoaded(cluster, key)), ...hit(isLoading, killCore) }),
    ...neverReady(/^loading the input artifacts was ended by SIGKILL/),
    check: coreWasKilled("supervisor"),
  },
  {
    section: "9.1",
    statement: "SIGKILL of the supervisor's loading alone, in its middle, ends the pod and says so",
    scene: async (cluster, key) => ({ ...(await halfLoaded(cluster, key)), ...hit(isHalfLoaded, killCore) }),
    ...neverReady(/^loading the input artifacts was ended by SIGKILL/),
    check: (pod) => {
      coreWasKilled("supervisor")(pod);
      expect(existsSync(pod.input("b"))).toBe(false);
    },
  },
  {
    section: "9.4",
    statement:
      "SIGKILL of the supervisor as it begins to load: main waits for another run of it, which loads",
    // However late the blow comes, the supervisor has not ended.
    scene: () => {
      const { api, over } = unheard();
      return { ...withInput, ...AGAIN, api, ...strike("supervisor", isLoading, kill, over) };
    },
  },
  {
    section: "9.4",
    statement:
      "SIGKILL of the supervisor while it loads: main waits for another run of it, which loads everything",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      ...AGAIN,
      ...hit(isHalfLoaded, kill),
    }),
    check: (pod) => expect(inputs(pod)).toEqual(["a", "b"]),
  },
];

const ended = (pod: PodFilesystem) => appears(pod, "ctr/main/exitcode");
const isUp = (pod: PodFilesystem) =>
  until(
    () => existsSync(pod.shared("up")) && journal(pod, "supervisor").includes('"act":"begin","exitCode"'),
  );
const go = (pod: PodFilesystem): void => writeFileSync(pod.shared("go"), "");
const inSecondRun = async (pod: RunningPod): Promise<void> => {
  await until(() => journal(pod, "supervisor").split('"watch.start"').length === 3);
  go(pod);
};

const idle: Struck[] = [
  {
    section: "9.1",
    statement: "SIGKILL of the supervisor's report of its beginning alone loses nothing",
    scene: () => {
      const { reached, api } = once(isCreation, "silence");
      return { ...withInput, api, ...hit((pod) => Promise.all([reached, ended(pod)]), killCore) };
    },
    check: coreWasKilled("supervisor"),
  },
  {
    section: "9.1",
    statement: "SIGKILL of the supervisor when main has ended, and another run of it, lose nothing",
    scene: () => {
      const { reached, api } = once(isCreation, "silence");
      return { ...withInput, ...AGAIN, api, ...hit((pod) => Promise.all([reached, ended(pod)]), kill) };
    },
  },
  {
    section: "9.1",
    statement: "SIGKILL of the supervisor while main runs leaves the report incomplete and main alone",
    scene: () => ({
      argv: sh(`${UNTIL_GO}; ${writing()}`),
      ...hit(isUp, kill),
      onRunning: async (pod) => {
        await pod.wait.exitCode;
        go(pod);
      },
    }),
    left: { reported: false },
    expect: { exitCodes: { supervisor: 137 } },
  },
  {
    section: "9.1",
    statement: "another run of a killed supervisor leaves the inputs alone that main uses, and loses nothing",
    scene: () => ({
      template: {
        container: { volumeMounts: [{ name: "v0", mountPath: "/work" }] },
        inputs: { artifacts: [raw("a", "/tmp/in-a", "data"), raw("b", "/work/b", "data")] },
      },
      volumes: ["/work"],
      argv: sh(
        `echo changed >/work/b; exec 3</tmp/in-a; ${UNTIL_GO}; test "$(cat /work/b)" = changed
         test /proc/self/fd/3 -ef /tmp/in-a; ${writing()}`,
      ),
      ...AGAIN,
      ...hit(isUp, kill),
      onRunning: inSecondRun,
    }),
  },
];

const finish: Struck[] = [
  {
    section: "9.1",
    statement: "SIGTERM to the supervisor in the middle of an upload loses nothing",
    scene: async (cluster) => {
      const { reached, open, hold } = gate();
      const { endpoint } = await cluster.faultyS3(() => ({ type: "hold", afterBytes: 1, until: hold }));
      return {
        endpoint,
        onRunning: async (pod) => {
          await reached;
          pod.wait.kill("SIGTERM");
          await until(() => journal(pod, "supervisor").includes('"SIGTERM"'));
          open();
        },
      };
    },
  },
  {
    section: "9.1",
    statement: "SIGKILL of the supervisor in the middle of an upload, and another run of it, lose nothing",
    between: { reported: false, saved: false, complete: false },
    scene: async (cluster) => {
      const { reached, hold } = gate();
      const { endpoint } = await cluster.faultyS3((_request, index) =>
        index === 0 ? { type: "hold", afterBytes: 1, until: hold } : undefined,
      );
      return { endpoint, ...AGAIN, ...hit(() => reached, kill) };
    },
  },
];

const initless = (row: Struck): Struck => ({
  ...row,
  scene: async (cluster, key): Promise<Scene> => ({ ...(await row.scene(cluster, key)), layout: "initless" }),
});

conformance("struck: the supervisor", [...load, ...idle, ...finish].map(initless).map(struck));
