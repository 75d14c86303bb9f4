import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import type { SandboxProcess } from "@skein/lab/testing";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import { childOf, execIn } from "../support/pods/inside.ts";
import type { PodFilesystem, RunningPod } from "../support/pods/pod-request.ts";
import {
  journal,
  kill,
  killCore,
  MISSING,
  type Struck,
  strike,
  struck,
  terminate,
  UNTIL_GO,
  writing,
} from "./support/blows.ts";
import { appears, parameter, sh, until } from "./support/builders.ts";
import { conformance } from "./support/conformance.ts";

const GRACE = { ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "2" };
const NOT_REPORTED = { left: { reported: false, complete: true } };
const missing = (main: number) => ({ ...MISSING, exitCodes: { main, wait: 64 } });

/** The wrapper holds before it starts the command, which would say that it ran. */
const paused = {
  envOf: { main: { ARGO_DEBUG_PAUSE_BEFORE: "true" } },
  argv: sh(`touch /var/run/argo/up; ${writing()}`),
};
const isPaused = (pod: PodFilesystem) => until(() => journal(pod, "main").includes('"start"'));
const neverRan = (pod: PodFilesystem): void => expect(existsSync(pod.shared("up"))).toBe(false);

/** The command has ended, and the wrapper holds before it saves what was left. */
const unsaved = {
  envOf: { main: { ARGO_DEBUG_PAUSE_AFTER: "true" } },
  argv: sh(`${writing()}; touch /var/run/argo/up`),
};
const isUnsaved = (pod: PodFilesystem, main: SandboxProcess) =>
  until(() => existsSync(pod.shared("up")) && childOf(main) === undefined);

/** Sparse, so that it costs time to pack and nothing else. */
const sparse = (size: string): string[] => sh(`echo v >/tmp/p; truncate -s ${size} /tmp/a`);
const packedSoFar = (pod: PodFilesystem): string[] => {
  const directory = pod.shared("outputs/artifacts/tmp");
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(".skein-")) : [];
};
const isPacking = (pod: PodFilesystem) => until(() => packedSoFar(pod).length > 0);

/** Outputs are written, and main goes on. */
const WRITTEN = sh(`${writing()}; touch /var/run/argo/up; sleep 600`);
const isUp = (pod: PodFilesystem) => appears(pod, "up");

const wrapper: Struck[] = [
  {
    section: "7.3",
    statement: "SIGTERM to main's wrapper before it starts the command: 143, and the command never runs",
    scene: () => ({ ...paused, ...strike("main", isPaused, terminate) }),
    ...NOT_REPORTED,
    expect: missing(143),
    check: neverRan,
  },
  {
    section: "8.3",
    statement: "SIGKILL of main's wrapper before it starts the command is noticed, and the report completed",
    scene: () => ({ ...paused, ...strike("main", isPaused, kill) }),
    ...NOT_REPORTED,
    expect: missing(137),
    check: neverRan,
  },
  {
    section: "7.3",
    statement: "SIGTERM to main's wrapper when the command has ended loses nothing, nor its exit code",
    scene: () => ({ ...unsaved, ...strike("main", isUnsaved, terminate) }),
  },
  {
    section: "8.3",
    statement: "SIGKILL of main's wrapper when the command has ended: what is not saved is not reported",
    scene: () => ({ ...unsaved, ...strike("main", isUnsaved, kill) }),
    ...NOT_REPORTED,
    expect: missing(137),
  },
  {
    section: "8.3",
    statement: "SIGKILL of main's wrapper while it packs: nothing of the archive is saved or reported",
    scene: () => ({ argv: sparse("100G"), ...strike("main", isPacking, kill) }),
    ...NOT_REPORTED,
    expect: {
      ...missing(137),
      outputs: { parameters: [{ ...parameter("p", "/tmp/p"), value: "v" }] },
    },
    check: (pod) => expect(existsSync(pod.shared("outputs/artifacts/tmp/a.tgz"))).toBe(false),
  },
  {
    section: "7.3",
    statement: "SIGTERM to main's wrapper while it packs loses nothing",
    scene: () => ({
      template: {
        outputs: {
          parameters: [parameter("p", "/tmp/p")],
          artifacts: [{ name: "a", path: "/tmp/a", s3: { key: "packed.tgz" } }],
        },
      },
      argv: sparse("80M"),
      ...strike("main", isPacking, async (main) => {
        // Stopped, it cannot be done before the signal comes.
        main.kill("SIGSTOP");
        main.kill("SIGTERM");
        main.kill("SIGCONT");
      }),
    }),
    ...NOT_REPORTED,
    expect: {
      outputs: {
        parameters: [{ ...parameter("p", "/tmp/p"), value: "v" }],
        artifacts: [{ name: "a", path: "/tmp/a", s3: { key: "packed.tgz" } }],
      },
    },
    check: async (end, { s3 }) => {
      const lines = journal(end, "main");
      expect(lines.indexOf('"SIGTERM"'), "told while it packed").toBeLessThan(lines.indexOf('"artifact"'));
      let bytes = 0;
      const archive = createReadStream(join(s3.root, s3.bucket, "packed.tgz"));
      for await (const chunk of archive.pipe(createGunzip())) bytes += (chunk as Buffer).byteLength;
      expect(bytes).toBeGreaterThan(80 * 1024 * 1024);
    },
  },
  {
    section: "8.3",
    statement:
      "SIGKILL of main and its wrapper: what main left in a volume is reported, its own files are not",
    scene: () => ({
      template: {
        container: { volumeMounts: [{ name: "v0", mountPath: "/work" }] },
        outputs: {
          artifacts: [
            { name: "kept", path: "/work/a", archive: { none: {} }, s3: { key: "kept" } },
            { name: "lost", path: "/tmp/a", optional: true },
          ],
        },
      },
      volumes: ["/work"],
      argv: sh("printf whole >/work/a; cp /work/a /tmp/a; touch /var/run/argo/up; sleep 600"),
      ...strike("main", isUp, kill),
    }),
    ...NOT_REPORTED,
    expect: {
      exitCodes: { main: 137 },
      outputs: {
        artifacts: [{ name: "kept", path: "/work/a", archive: { none: {} }, s3: { key: "kept" } }],
      },
      objects: { kept: "whole" },
    },
  },
];

const command: Struck[] = [
  {
    section: "7",
    statement: "SIGKILL of the user's process alone: 137, and what it had left is reported",
    scene: () => ({ argv: WRITTEN, ...strike("main", isUp, killCore) }),
    expect: { exitCodes: { main: 137 } },
    check: (pod) => expect(readFileSync(pod.shared("ctr/main/exitcode"), "utf8")).toBe("137"),
  },
  {
    section: "7",
    statement: "SIGKILL of the user's process before it wrote anything: what is missing is not reported",
    scene: () => ({ argv: sh("touch /var/run/argo/up; sleep 600"), ...strike("main", isUp, killCore) }),
    ...NOT_REPORTED,
    expect: missing(137),
    check: (pod) => expect(readFileSync(pod.shared("ctr/main/exitcode"), "utf8")).toBe("137"),
  },
];

const FRONTS: Readonly<Record<string, string>> = {
  wait: "/argoexec/bin/argoexec",
  main: "/var/run/argo/argoexec",
};
/** What a controller does to every container that runs. */
async function execKill(cluster: Cluster, pod: RunningPod, names: readonly string[], signal: string) {
  for (const name of names) {
    const argv = [FRONTS[name] ?? "", "kill", signal, "1"];
    const said = await execIn(cluster, pod.containers[name] ?? pod.main, argv);
    const word = signal === "9" ? "killed" : "terminated";
    expect(said, name).toEqual({ exitCode: 0, output: `killing 1 with ${word}\n` });
  }
}

const controller: Struck[] = [
  {
    section: "18",
    statement: "argoexec kill 15 1 in every container ends main with 143, and nothing is lost",
    scene: (cluster) => ({
      argv: WRITTEN,
      onRunning: async (pod) => {
        await isUp(pod);
        await execKill(cluster, pod, ["wait", "main"], "15");
      },
    }),
    expect: { exitCodes: { main: 143 } },
  },
  {
    section: "18",
    statement: "argoexec kill 9 1 goes unheard in a container of its own process ids, and nothing is lost",
    scene: (cluster) => ({
      argv: sh(`${UNTIL_GO}; ${writing()}`),
      onRunning: async (pod) => {
        await isUp(pod);
        await execKill(cluster, pod, ["wait", "main"], "9");
        writeFileSync(pod.shared("go"), "");
      },
    }),
  },
  {
    section: "8.1",
    statement: "a pod whose main ignores SIGTERM reports what there is before the kubelet's SIGKILL",
    scene: () => ({
      env: GRACE,
      argv: sh("trap '' TERM; touch /var/run/argo/up; while :; do sleep 0.05; done"),
      onRunning: async (pod) => {
        await isUp(pod);
        for (const container of Object.values(pod.containers)) container.kill("SIGTERM");
        await pod.wait.exitCode;
        pod.main.kill("SIGKILL");
      },
    }),
    ...NOT_REPORTED,
    expect: missing(137),
  },
  {
    section: "8.1",
    statement: "SIGKILL of every container leaves no report that is complete, and no exit code",
    scene: () => ({
      argv: WRITTEN,
      onRunning: async (pod) => {
        await isUp(pod);
        for (const container of Object.values(pod.containers)) container.kill("SIGKILL");
      },
    }),
    left: { reported: false },
    expect: { exitCodes: { main: 137, wait: 137 } },
    check: (pod) => expect(existsSync(pod.shared("ctr/main/exitcode"))).toBe(false),
  },
  {
    section: "8.3",
    statement: "a main that never starts: SIGKILL of wait, another run of it and SIGTERM complete the report",
    scene: () => {
      const isWaiting = (pod: PodFilesystem) =>
        until(() => journal(pod, "wait").includes('"act":"begin","exitCode":0'));
      const first = strike("wait", isWaiting, kill);
      let runs = 0;
      return {
        absent: ["main"],
        restarts: { wait: 1 },
        onStart: async (name, process, pod) => {
          await first.onStart(name, process, pod);
          if (name !== "wait" || ++runs < 2) return;
          await until(() => journal(pod, "wait").split('"act":"begin","exitCode":0').length === 3);
          process.kill("SIGTERM");
        },
      };
    },
    ...NOT_REPORTED,
    expect: MISSING,
  },
];

conformance("struck: main, its wrapper, and the pod", [...wrapper, ...command, ...controller].map(struck));
