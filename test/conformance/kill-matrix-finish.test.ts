import type { Cluster } from "../support/pods/cluster.ts";
import type { PodFilesystem, RunningPod } from "../support/pods/pod-request.ts";
import {
  coreWasKilled,
  gate,
  isCompletion,
  isCreation,
  isReport,
  journal,
  kill,
  killCore,
  type Left,
  once,
  type Scene,
  type Struck,
  starts,
  strike,
  struck,
  terminate,
} from "./support/blows.ts";
import { sh, until } from "./support/builders.ts";
import { conformance } from "./support/conformance.ts";

const AGAIN = { restarts: { wait: 1 } };
const NOTHING: Left = { reported: false, saved: false, complete: false };

/** The first upload whose address matches is held after so many bytes, until it is let go. */
async function uploading(cluster: Cluster, url: RegExp, afterBytes = 1) {
  const { reached, open, hold } = gate();
  let isFirst = true;
  const { endpoint } = await cluster.faultyS3((request) => {
    if (!isFirst || request.method !== "PUT" || !url.test(request.url)) return undefined;
    isFirst = false;
    return { type: "hold", afterBytes, until: hold };
  });
  return { endpoint, reached, open };
}

type MomentOf = (pod: PodFilesystem) => Promise<unknown>;
interface Moment extends Pick<Struck, "files"> {
  when: string;
  left: Left;
  /** Comes about, and tells when. */
  scene: (cluster: Cluster, key: string) => Promise<Scene & { moment: MomentOf; again?: () => void }>;
}

const LARGE = { a: "x".repeat(11 * 1024 * 1024) };
const moments: Moment[] = [
  {
    when: "as it begins to collect",
    left: NOTHING,
    // However late the blow comes, nothing is saved before.
    scene: async (cluster) => {
      let isOver = false;
      const until = () => new Promise<never>(() => {});
      const { endpoint } = await cluster.faultyS3(() =>
        isOver ? undefined : { type: "hold", afterBytes: 1, until },
      );
      const again = (): void => {
        isOver = true;
      };
      return { endpoint, moment: starts("finish"), again };
    },
  },
  {
    when: "in the middle of an upload",
    left: NOTHING,
    files: { a: "x".repeat(100_000) },
    scene: async (cluster) => {
      const { endpoint, reached } = await uploading(cluster, /\/a\b/, 50_000);
      return { endpoint, moment: () => reached };
    },
  },
  {
    when: "in the middle of an upload in parts",
    left: NOTHING,
    files: LARGE,
    scene: async (cluster) => {
      const { endpoint, reached } = await uploading(cluster, /partNumber=2/, 50_000);
      return { endpoint, env: { ARTIFACT_S3_UPLOAD_PART_SIZE_MIB: "5" }, moment: () => reached };
    },
  },
  {
    when: "when one of two artifacts is saved",
    left: { ...NOTHING, saved: "some" },
    files: { a: "whole", b: "whole" },
    scene: async (cluster, key) => {
      const { endpoint, reached } = await uploading(cluster, /\/b\b/);
      const isSaved = () => until(() => cluster.object(`${key}/a`) !== undefined);
      return { endpoint, moment: () => Promise.all([reached, isSaved()]) };
    },
  },
  {
    when: "in the middle of a directory that is saved file by file",
    left: { ...NOTHING, saved: "some" },
    files: { "d/1": "one", "d/2": "two", "d/3": "three" },
    scene: async (cluster, key) => {
      const { endpoint, reached } = await uploading(cluster, /\/d\/2\b/);
      const isSaved = () => until(() => cluster.object(`${key}/d/1`) !== undefined);
      return { endpoint, moment: () => Promise.all([reached, isSaved()]) };
    },
  },
  {
    when: "when an artifact is saved, and the store's answer is late",
    left: { ...NOTHING, saved: true },
    scene: async (cluster, key) => {
      const { endpoint } = await cluster.faultyS3((_request, index) =>
        index === 0 ? { type: "delay", ms: 5_000 } : undefined,
      );
      return { endpoint, moment: () => until(() => cluster.object(`${key}/a`) !== undefined) };
    },
  },
  {
    when: "while the API server does not hear the report",
    left: { ...NOTHING, saved: true },
    scene: async () => {
      const { reached, api } = once(isReport, "silence");
      return { api, moment: () => reached };
    },
  },
  {
    when: "while the API server's answer to the report is lost",
    left: { reported: true, saved: true, complete: false },
    scene: async () => {
      const { reached, api } = once(isReport, "lost");
      return { api, moment: () => reached };
    },
  },
  {
    when: "while the API server's answer to the report's completion is lost",
    left: { reported: true, saved: true, complete: true },
    scene: async () => {
      const { reached, api } = once(isCompletion, "lost");
      return { api, moment: () => reached };
    },
  },
];

const whatIsLeft = ({ reported, saved, complete }: Left): string => {
  if (complete) return "leaves everything";
  if (reported) return "leaves a report that is not complete";
  if (saved === false) return "leaves no object and no report";
  return `leaves ${saved === "some" ? "whole objects or none" : "the object"}, and no report`;
};

const killed = moments.map(
  ({ when, left, files, scene }): Struck => ({
    section: "8.1",
    statement: `SIGKILL of wait ${when} ${whatIsLeft(left)}; another run of it loses nothing`,
    ...(files ? { files } : {}),
    between: left,
    scene: async (cluster, key) => {
      const { moment, again, ...made } = await scene(cluster, key);
      return { ...made, ...AGAIN, ...strike("wait", moment, kill, again) };
    },
  }),
);

const coreKilled = moments.slice(0, 2).map(
  ({ when, left, files, scene }): Struck => ({
    section: "8.1",
    statement: `SIGKILL of wait's last act alone, ${when}, ends wait with 137 and says so; it ${whatIsLeft(left)}`,
    ...(files ? { files } : {}),
    left,
    scene: async (cluster, key) => {
      const { moment, ...made } = await scene(cluster, key);
      return { ...made, ...strike("wait", moment, killCore) };
    },
    expect: { exitCodes: { wait: 137 }, messages: { wait: /^saving the outputs was ended by SIGKILL/ } },
    check: coreWasKilled(),
  }),
);

const isTold = (pod: PodFilesystem) => until(() => journal(pod, "wait").includes('"SIGTERM"'));
/** Told to stop, twice, wait goes on with what has been held. */
const terminated = (reached: Promise<void>, open: () => void) => async (pod: RunningPod) => {
  await reached;
  pod.wait.kill("SIGTERM");
  await isTold(pod);
  pod.wait.kill("SIGTERM");
  open();
};

const patient: Struck[] = [
  {
    section: "8.1",
    statement: "SIGTERM to wait as it begins to collect loses nothing",
    scene: () => strike("wait", starts("finish"), terminate),
  },
  {
    section: "8.1",
    statement: "SIGTERM to wait in the middle of an upload, and another, lose nothing",
    files: { a: "x".repeat(100_000) },
    scene: async (cluster) => {
      const { endpoint, reached, open } = await uploading(cluster, /\/a\b/, 50_000);
      return { endpoint, onRunning: terminated(reached, open) };
    },
  },
  ...[isReport, isCompletion].map(
    (kind): Struck => ({
      section: "8.1",
      statement: `SIGTERM to wait while it ${kind === isReport ? "reports" : "completes its report"}, and another, lose nothing`,
      scene: () => {
        const { reached, open, hold } = gate();
        return {
          api: async (request) => {
            if (kind(request)) await hold();
            return undefined;
          },
          onRunning: terminated(reached, open),
        };
      },
    }),
  ),
  {
    section: "8.1",
    statement: "an API server that is silent until the kubelet's SIGKILL leaves saved outputs, and no report",
    scene: () => ({
      api: (request) => (isCreation(request) ? undefined : "silence"),
      onRunning: async (pod) => {
        await until(() => pod.requests().length === 2);
        pod.wait.kill("SIGTERM");
        await isTold(pod);
        pod.wait.kill("SIGKILL");
      },
    }),
    left: { reported: false, saved: true },
    expect: { exitCodes: { wait: 137 } },
  },
];

/** Late enough for main to have ended, on a busy machine, too. */
const inSixSeconds = () => new Date(Date.now() + 6_000);
const deadlines: Struck[] = [
  {
    section: "8.4",
    statement: "a deadline that passes while outputs are saved changes nothing: the step itself has kept it",
    scene: async (cluster) => {
      const { endpoint, reached, open } = await uploading(cluster, /\/a\b/);
      const deadline = inSixSeconds();
      return {
        endpoint,
        env: { ARGO_DEADLINE: deadline.toISOString() },
        onRunning: async () => {
          await reached;
          await until(() => Date.now() > deadline.getTime() + 200);
          open();
        },
      };
    },
  },
  {
    section: "8.4",
    statement:
      "a deadline that passes while the API server does not hear wait begin ends main; nothing is lost",
    scene: () => ({
      ...once(isCreation, "silence"),
      env: { ARGO_DEADLINE: inSixSeconds().toISOString(), ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "2" },
      argv: sh("trap 'echo v >/tmp/p; printf whole >/tmp/a; exit 1' TERM; while :; do sleep 0.02; done"),
      // Which tells wait to stop when main has ended.
      controller: true,
    }),
    expect: { exitCodes: { main: 1 }, messages: { wait: "Step exceeded its deadline" } },
  },
];

conformance("struck: saving and reporting", [...killed, ...coreKilled, ...patient, ...deadlines].map(struck));
