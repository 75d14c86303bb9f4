import { existsSync, readFileSync } from "node:fs";
import type { SandboxProcess } from "@skein/lab/testing";
import { expect } from "vitest";
import type { Cluster } from "../../support/pods/cluster.ts";
import { childOf } from "../../support/pods/inside.ts";
import type { PodEnd, PodFilesystem, PodRequest, PodTemplate } from "../../support/pods/pod-request.ts";
import type { ApiRequest, Fault, Faults } from "../../support/task-result-api.ts";
import { parameter, sh, until } from "./builders.ts";
import type { ConformanceCase, Expectation } from "./conformance.ts";

/** What a pod is made of in which something is struck: what is not said is as in {@link struck}. */
export type Scene = Partial<Omit<PodRequest, "template">> & {
  template?: Partial<PodTemplate>;
  /** Of a server before the S3 server. */
  endpoint?: string;
};

/** What is to be seen of outputs. */
export interface Left {
  /** Whether the task result has them, all or nothing. */
  reported: boolean;
  /** Whether the objects are there, each whole; `some`: each is whole or not there. */
  saved: boolean | "some";
  /** Whether the label says that the report is complete. */
  complete: boolean;
}

export interface Struck {
  section: string;
  statement: string;
  /** Made anew for every pod. */
  scene: (cluster: Cluster, key: string) => Scene | Promise<Scene>;
  /** What main writes below `/tmp`, each name's first part an output artifact. Default one small file. */
  files?: Readonly<Record<string, string>>;
  /** What is left when a container is started again. */
  between?: Left;
  /** What is left in the end. Default everything; the others as `reported`. */
  left?: Partial<Left>;
  expect?: Expectation;
  check?: (end: PodEnd, cluster: Cluster) => void | Promise<void>;
}

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
let count = 0;

/**
 * A pod whose main leaves a parameter and artifacts. Whatever is struck, and when: no object is there in part, the task
 * result names none that is not whole, and an exit-code file holds its container's code or is not there.
 */
export function struck({ section, statement, ...blow }: Struck): ConformanceCase {
  count += 1;
  const key = `struck/${count}`;
  const { files = { a: "whole" }, between, expect: expectation = {} } = blow;
  const { reported = true, saved = reported, complete = reported } = blow.left ?? {};
  const names = [...new Set(Object.keys(files).map((path) => path.split("/")[0] ?? ""))];
  const artifacts = names.map((name) => ({ name, path: `/tmp/${name}`, archive: { none: {} } }));
  const parameters = [parameter("p", "/tmp/p")];
  const whole = {
    parameters: parameters.map((each) => ({ ...each, value: "v" })),
    artifacts: artifacts.map((each) => ({ ...each, s3: { key: `${key}/${each.name}` } })),
  };
  const expectLeft = ({ name }: PodFilesystem, cluster: Cluster, left: Left): void => {
    const result = cluster.api.results.get(name);
    if (left.reported || expectation.outputs === undefined)
      expect(result?.outputs ?? {}).toEqual(left.reported ? whole : {});
    expect(result?.metadata.labels[COMPLETED] === "true", "complete").toBe(left.complete);
    for (const [path, content] of Object.entries(files)) {
      const object = cluster.object(`${key}/${path}`);
      if (left.saved === "some" && object === undefined) continue;
      expect(object?.equals(Buffer.from(content)), `${path} is whole`).toBe(left.saved ? true : undefined);
    }
  };
  let isRestarted = false;
  return {
    section,
    statement,
    pod: async (cluster) => {
      const { endpoint = cluster.s3.endpoint, template, ...request } = await blow.scene(cluster, key);
      const { s3 } = cluster.repository(key);
      isRestarted = request.restarts !== undefined;
      const runs: Record<string, number> = {};
      return {
        controller: false,
        argv: sh(writing(files)),
        ...request,
        template: {
          container: {},
          outputs: { parameters, artifacts },
          archiveLocation: { s3: { ...s3, endpoint } },
          ...template,
        },
        onStart: (name, process, pod) => {
          runs[name] = (runs[name] ?? 0) + 1;
          if (between && runs[name] === 2) expectLeft(pod, cluster, between);
          return request.onStart?.(name, process, pod);
        },
      };
    },
    expect: { complete, ...expectation },
    check: async (end, cluster) => {
      expectLeft(end, cluster, { reported, saved, complete });
      expectExitCodeFiles(end);
      expect(Object.values(end.starts).includes(2), "something was started again").toBe(isRestarted);
      await blow.check?.(end, cluster);
    },
  };
}

/** Of the user's containers. Only one that was killed with its wrapper may have left none. */
function expectExitCodeFiles(end: PodEnd): void {
  for (const [name, { exitCode }] of Object.entries(end.ends)) {
    if (["init", "wait", "supervisor"].includes(name)) continue;
    const file = end.shared(`ctr/${name}/exitcode`);
    if (existsSync(file)) expect(readFileSync(file, "utf8"), `exit-code file of ${name}`).toBe(`${exitCode}`);
    else expect(exitCode, `${name} left no exit code`).toBe(137);
  }
}

/** The script by which main leaves its outputs. */
export function writing(files: Readonly<Record<string, string>> = { a: "whole" }): string {
  const lines = Object.entries(files).map(([path, content]) => {
    const text =
      content.length < 1000 ? `printf ${content}` : `yes x | tr -d '\\n' | head -c ${content.length}`;
    return `mkdir -p $(dirname /tmp/${path}); ${text} >/tmp/${path}`;
  });
  return ["echo v >/tmp/p", ...lines].join("; ");
}

/** What is to be expected when main has left nothing, and wait or supervisor says so. */
export const MISSING = {
  exitCodes: { wait: 64 },
  messages: { wait: /no such file/ },
  outputs: { parameters: [parameter("p", "/tmp/p")] },
};

/** Main shows that it runs, and goes on until there is a file `go`. */
export const UNTIL_GO = "touch /var/run/argo/up; while ! test -e /var/run/argo/go; do sleep 0.02; done";

type Blow = (process: SandboxProcess) => unknown;

/**
 * Strikes the first run of a container when the moment has come.
 *
 * @param again called when the container is started again
 */
export function strike(
  container: string,
  moment: (pod: PodFilesystem, process: SandboxProcess) => Promise<unknown>,
  blow: Blow,
  again?: () => void,
): Required<Pick<PodRequest, "onStart">> {
  let runs = 0;
  return {
    onStart: (name, process, pod) => {
      if (name !== container) return;
      runs += 1;
      if (runs === 2) again?.();
      if (runs > 1) return;
      void moment(pod, process).then(() => blow(process));
    },
  };
}

export const terminate: Blow = (process) => process.kill("SIGTERM");
/** The container as a whole. */
export const kill: Blow = (process) => process.kill("SIGKILL");
/** Only the process of the act, as for want of memory; the front goes on. */
export const killCore: Blow = async (container) => {
  await until(() => childOf(container) !== undefined);
  process.kill(childOf(container) ?? -1, "SIGKILL");
};

/** The front has begun to start an act. */
export const starts =
  (act: string, container = "wait") =>
  (pod: PodFilesystem): Promise<void> =>
    until(
      () => journal(pod, container).includes(`"act.start"`) && journal(pod, container).includes(`"${act}"`),
    );

export function journal(pod: PodFilesystem, container: string): string {
  const file = pod.shared(`skein/journal/${container}.jsonl`);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** A fault of the first request of its kind, and when that came. */
export function once(
  kind: (request: ApiRequest) => boolean,
  fault: Fault,
): { reached: Promise<void>; api: Faults } {
  const { reached, hold } = gate();
  let isFirst = true;
  return {
    reached,
    api: (request) => {
      if (!isFirst || !kind(request)) return undefined;
      isFirst = false;
      void hold();
      return fault;
    },
  };
}

/** The API server does not hear of the beginning until it is over, so that no blow comes too late for that. */
export function unheard(): { api: Faults; over: () => void } {
  let isOver = false;
  return {
    api: (request) => (isCreation(request) && !isOver ? "silence" : undefined),
    over: () => {
      isOver = true;
    },
  };
}

export const isCreation = ({ method }: ApiRequest): boolean => method === "POST";
export const isReport = ({ body }: ApiRequest): boolean => "outputs" in body;
export const isProgress = ({ body }: ApiRequest): boolean => "progress" in body;
export const isCompletion = ({ body }: ApiRequest): boolean => JSON.stringify(body).includes('"true"');

/** The core was killed, and the front went on. */
export const coreWasKilled =
  (container = "wait") =>
  (pod: PodFilesystem): void =>
    expect(journal(pod, container)).toMatch(/"act":"\w+","exitCode":137/);

/** Holds those who come to it until it is opened, and tells when somebody came. */
export function gate(): { reached: Promise<void>; open: () => void; hold: () => Promise<void> } {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: opened.resolve,
    hold: () => {
      reached.resolve();
      return opened.promise;
    },
  };
}
