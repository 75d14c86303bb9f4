import { existsSync, writeFileSync } from "node:fs";
import type { SandboxProcess } from "@skein/lab/testing";
import { expect } from "vitest";
import type { PodFilesystem, RunningPod } from "../support/pods/pod-request.ts";
import { startSilentServer } from "../support/silent-server.ts";
import {
  coreWasKilled,
  isCreation,
  isProgress,
  journal,
  kill,
  killCore,
  MISSING,
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
import { appears, sh, until } from "./support/builders.ts";
import { conformance } from "./support/conformance.ts";
import { halfLoaded, inputs, isHalfLoaded, withInput } from "./support/half-loaded.ts";

/** What is struck is started again once. */
const AGAIN = { restarts: { init: 1, wait: 1 } };
const GRACE = { ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "2" };
const silent = await startSilentServer();

/** Everything is loaded, and a collector of traces that does not answer holds init for a moment longer. */
const loaded: Scene = {
  ...withInput,
  envOf: {
    init: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${silent}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
  },
};
const isLoaded = (pod: PodFilesystem) => until(() => existsSync(pod.input("a")));

const init: Struck[] = [
  {
    section: "6",
    statement: "SIGTERM to init while it loads ends it with 64; an input is whole or not there",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      ...strike("init", isHalfLoaded, terminate),
    }),
    left: { reported: false },
    expect: { exitCodes: { init: 64 }, messages: { init: /SIGTERM/ } },
    check: (pod) => expect(inputs(pod)).toEqual(["a"]),
  },
  {
    section: "6",
    statement: "SIGTERM to init when everything is loaded changes nothing",
    scene: () => ({ ...loaded, ...strike("init", isLoaded, terminate) }),
  },
  {
    section: "6",
    statement: "SIGKILL of init while it loads leaves each input whole or not there",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      ...strike("init", isHalfLoaded, kill),
    }),
    left: { reported: false },
    expect: { exitCodes: { init: 137 } },
    check: (pod) => {
      const [staging, ...whole] = inputs(pod);
      expect(staging).toMatch(/^\.skein-/);
      expect(whole).toEqual(["a"]);
    },
  },
  {
    section: "6",
    statement: "SIGKILL of init before the first byte has come, and another run of it, load everything",
    scene: async (cluster, key) => {
      const { asked, ...made } = await halfLoaded(cluster, key, 0);
      return { ...made, ...AGAIN, ...strike("init", () => asked, kill) };
    },
  },
  {
    section: "6",
    statement:
      "SIGKILL of init while it loads, and another run of it, load everything and leave nothing else",
    scene: async (cluster, key) => ({
      ...(await halfLoaded(cluster, key)),
      ...AGAIN,
      ...strike("init", isHalfLoaded, kill),
    }),
    check: (pod) => expect(inputs(pod)).toEqual(["a", "b"]),
  },
  {
    section: "6",
    statement: "SIGKILL of init at its end, and another run of it, load everything",
    scene: () => ({ ...loaded, ...AGAIN, ...strike("init", isLoaded, kill) }),
  },
];

const hasEnded = (pod: PodFilesystem) => appears(pod, "ctr/main/exitcode");

/** The moments of an act that makes one request: it may not be heard, or the answer may not. */
const begin: Struck[] = [
  {
    section: "8.1",
    statement: "SIGTERM to wait at its start, in a pod whose main never starts, completes the report",
    scene: () => ({ absent: ["main"], env: GRACE, ...strike("wait", starts("begin"), terminate) }),
    left: { reported: false, complete: true },
    expect: MISSING,
  },
  ...(["silence", "lost"] as const).flatMap((fault): Struck[] => {
    const when =
      fault === "silence"
        ? "while the API server does not hear it begin"
        : "while the API server's answer to its beginning is lost";
    const scene = (blow: typeof terminate): Scene => {
      const { reached, api } = once(isCreation, fault);
      const moment = (pod: PodFilesystem) => Promise.all([reached, hasEnded(pod)]);
      return { api, env: GRACE, ...strike("wait", moment, blow) };
    };
    return [
      {
        section: "8.1",
        statement: `SIGTERM to wait ${when} loses nothing that main left`,
        scene: () => scene(terminate),
      },
      {
        section: "8.3",
        statement: `SIGKILL of wait's first act alone, ${when}, loses nothing`,
        scene: () => scene(killCore),
        check: coreWasKilled(),
      },
      {
        section: "8.2",
        statement: `SIGKILL of wait ${when}, and another run of it, lose nothing`,
        scene: () => ({ ...scene(kill), ...AGAIN }),
      },
    ];
  }),
  {
    section: "8.3",
    statement: "SIGKILL of wait's first act alone, at its start, loses nothing",
    scene: () => {
      const { api, over } = unheard();
      const blow = async (wait: SandboxProcess): Promise<void> => {
        await killCore(wait);
        over();
      };
      return { api, ...strike("wait", starts("begin"), blow) };
    },
    check: coreWasKilled(),
  },
  {
    section: "8.2",
    statement: "SIGKILL of wait at its start, and another run of it, lose nothing",
    scene: () => {
      const { api, over } = unheard();
      return { api, ...AGAIN, ...strike("wait", starts("begin"), kill, over) };
    },
  },
  {
    section: "8.2",
    statement: "SIGKILL of wait while the API server does not hear it begin leaves no report, and main alone",
    scene: () => {
      const { reached, api } = once(isCreation, "silence");
      return { api, ...strike("wait", () => reached, kill) };
    },
    left: { reported: false },
    expect: { exitCodes: { wait: 137 } },
    check: ({ result }) => expect(result).toBeUndefined(),
  },
];

/** Nothing runs in wait, and main does. */
const isIdle = (pod: PodFilesystem) =>
  until(() => existsSync(pod.shared("up")) && journal(pod, "wait").includes('"act.end"'));
const go = (pod: PodFilesystem): void => writeFileSync(pod.shared("go"), "");
const idling: Scene = { argv: sh(`${UNTIL_GO}; ${writing()}`), env: GRACE };
const afterwards = async (pod: RunningPod): Promise<void> => {
  await pod.wait.exitCode;
  go(pod);
};
/** Main ends when the second run of wait watches it. */
const inSecondRun = async (pod: RunningPod): Promise<void> => {
  await until(() => journal(pod, "wait").split('"watch.start"').length === 3);
  go(pod);
};

const idle: Struck[] = [
  {
    section: "8.1",
    statement: "SIGTERM to wait alone: a main that ends within half of the grace period is reported whole",
    scene: () => ({
      ...idling,
      ...strike("wait", isIdle, terminate),
      onRunning: async (pod) => {
        await until(() => journal(pod, "wait").includes('"SIGTERM"'));
        go(pod);
      },
    }),
  },
  {
    section: "8.1",
    statement: "SIGTERM to wait alone: of a main that goes on, what is not there is not reported",
    scene: () => ({ ...idling, ...strike("wait", isIdle, terminate), onRunning: afterwards }),
    left: { reported: false, complete: true },
    expect: MISSING,
  },
  {
    section: "8.1",
    statement: "a second SIGTERM to wait reports at once, whatever main does",
    scene: () => ({
      ...idling,
      env: { ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "600" },
      ...strike("wait", isIdle, terminate),
      onRunning: async (pod) => {
        await until(() => journal(pod, "wait").includes('"SIGTERM"'));
        pod.wait.kill("SIGTERM");
        await afterwards(pod);
      },
    }),
    left: { reported: false, complete: true },
    expect: MISSING,
  },
  {
    section: "8.1",
    statement: "SIGKILL of wait while main runs leaves the report incomplete and main alone",
    scene: () => ({ ...idling, ...strike("wait", isIdle, kill), onRunning: afterwards }),
    left: { reported: false },
    expect: { exitCodes: { wait: 137 } },
  },
  {
    section: "8.3",
    statement: "SIGKILL of wait while main runs, and another run of it, lose nothing",
    scene: () => ({ ...idling, ...AGAIN, ...strike("wait", isIdle, kill), onRunning: inSecondRun }),
  },
  {
    section: "8.5",
    statement: "what failed in a run of wait that was killed is not what the next one ends with",
    scene: () => ({
      ...idling,
      ...AGAIN,
      api: once(isCreation, { status: 403, reason: "Forbidden", message: "not yet" }).api,
      ...strike("wait", isIdle, kill),
      onRunning: inSecondRun,
    }),
  },
  {
    section: "10.4",
    statement: "SIGKILL of the act that sends the progress loses nothing, the progress included",
    scene: () => {
      const { reached, api } = once(isProgress, "silence");
      return {
        argv: sh(`echo 1/2 >$ARGO_PROGRESS_FILE; ${UNTIL_GO}; ${writing()}`),
        env: { ARGO_PROGRESS_PATCH_TICK_DURATION: "100ms" },
        api,
        ...strike("wait", () => reached, killCore),
        onRunning: async (pod) => {
          await until(() => journal(pod, "wait").includes('"exitCode":137'));
          go(pod);
        },
      };
    },
    check: ({ result }) => expect(result?.progress).toBe("1/2"),
  },
];

conformance("struck: init and wait", [...init, ...begin, ...idle].map(struck));
