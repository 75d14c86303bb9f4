import type { SecurityContext } from "@skein/lab/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../support/pods/cluster.ts";
import { runPod } from "../../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../../support/pods/pod-request.ts";

/** One statement of the executor's contract, and how it is tried. */
export type ConformanceCase = Statement & (PodCase | OtherCase);

interface Statement {
  /** The section of the contract that says so. */
  section: string;
  /** What it says, or what Skein decided instead: one sentence, without the section's number. */
  statement: string;
  /** Number in the contract's list of pitfalls, when the statement is upstream's bug done better. */
  pitfall?: number;
  /** Why it cannot hold in a locked container; such a case only runs as root. */
  rootOnly?: string;
  /** Why it cannot be tried on this machine; then it is skipped for that reason. */
  impossible?: string | undefined;
}

interface PodCase {
  pod: PodRequest | ((cluster: Cluster) => PodRequest | Promise<PodRequest>);
  /** Everything that is not named here has to be as in a pod that succeeds. */
  expect?: Expectation;
  /** What the expectation cannot say. */
  check?: (end: PodEnd, cluster: Cluster) => void | Promise<void>;
}

/** For what is not one pod: a single command, or several pods. */
interface OtherCase {
  run: (cluster: Cluster) => Promise<void>;
}

export interface Expectation {
  /** By container; default 0 for each that started. */
  exitCodes?: Readonly<Record<string, number>>;
  /** By container, whole or as a pattern; default empty. */
  messages?: Readonly<Record<string, string | RegExp>>;
  /** Of the task result, whole. Default: not looked at. */
  outputs?: object;
  /** Whether the label says that outputs are complete; default true when `wait` or `supervisor` ran. */
  complete?: boolean;
  /** By container: what must be in its log. */
  logs?: Readonly<Record<string, readonly (string | RegExp)[]>>;
  /** Objects in the S3 server by key, whole; `null`: there must be none. */
  objects?: Readonly<Record<string, string | Uint8Array | null>>;
}

/** Who the containers are. `locked` is what a careful cluster demands. */
const PROFILES: Readonly<Record<string, SecurityContext | undefined>> = {
  root: undefined,
  locked: { runAsUser: 8737, readOnlyRootFilesystem: true },
};
const COMPLETED = "workflows.argoproj.io/report-outputs-completed";

/** Runs every case in both kinds of container, a few at a time. `SKEIN_CONFORMANCE=root` or `locked` chooses one kind. */
export function conformance(title: string, cases: readonly ConformanceCase[]): void {
  const wanted = process.env.SKEIN_CONFORMANCE;
  for (const [profile, securityContext] of Object.entries(PROFILES)) {
    if (wanted !== undefined && wanted !== profile) continue;
    // Only root can become somebody else.
    if (securityContext && process.getuid?.() !== 0) continue;
    describe.concurrent(`${title} (${profile})`, () => {
      let cluster: Cluster;
      beforeAll(async () => {
        cluster = await startCluster(securityContext ? { securityContext } : {});
      });
      afterAll(() => cluster[Symbol.asyncDispose]());
      for (const one of cases) {
        if (securityContext && one.rootOnly !== undefined) continue;
        it(titleOf(one), (context) => {
          if (one.impossible !== undefined) context.skip(one.impossible);
          return tryCase(one, cluster);
        });
      }
    });
  }
}

function titleOf({ section, statement, pitfall }: ConformanceCase): string {
  return `§${section} ${statement}${pitfall === undefined ? "" : ` [§22.${pitfall}]`}`;
}

async function tryCase(one: ConformanceCase, cluster: Cluster): Promise<void> {
  if ("run" in one) return one.run(cluster);
  const end = await runPod(cluster, typeof one.pod === "function" ? await one.pod(cluster) : one.pod);
  expectEnd(end, one.expect ?? {}, cluster);
  await one.check?.(end, cluster);
}

/** Holds a pod that has ended against what was expected of it, strictly. */
export function expectEnd(end: PodEnd, expected: Expectation, cluster: Cluster): void {
  const { exitCodes = {}, messages = {}, logs = {}, objects = {} } = expected;
  const names = Object.keys(end.ends);
  const codes = Object.fromEntries(names.map((name) => [name, end.ends[name]?.exitCode]));
  // With the logs in sight, a failure explains itself.
  const story = () => names.map((name) => `── ${name}\n${end.ends[name]?.log}`).join("\n");
  expect(codes, story()).toEqual({ ...Object.fromEntries(names.map((name) => [name, 0])), ...exitCodes });
  for (const name of names) {
    const message = end.ends[name]?.terminationMessage;
    const wanted = messages[name] ?? "";
    if (typeof wanted === "string") expect(message, `termination message of ${name}`).toBe(wanted);
    else expect(message, `termination message of ${name}`).toMatch(wanted);
  }
  if (expected.outputs !== undefined) expect(end.result?.outputs, story()).toEqual(expected.outputs);
  const complete = end.result?.metadata.labels[COMPLETED] === "true";
  expect(complete, "whether outputs are complete").toBe(expected.complete ?? end.wait !== undefined);
  for (const [name, parts] of Object.entries(logs)) {
    for (const part of parts) expect(end.ends[name]?.log).toMatch(part);
  }
  for (const [key, content] of Object.entries(objects)) {
    const object = cluster.object(key);
    if (content === null) expect(object, key).toBeUndefined();
    else if (typeof content === "string") expect(object?.toString(), key).toBe(content);
    else expect(object, key).toEqual(Buffer.from(content));
  }
}
