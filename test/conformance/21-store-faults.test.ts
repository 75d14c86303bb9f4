import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { type Fault, type SeenRequest, startFaultProxy } from "../support/fault-proxy.ts";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { sh } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const QUICK = { EXECUTOR_RETRY_BACKOFF_DURATION: "10ms" };
const CONTENT = Buffer.alloc(3_000_000, "0123456789");

type Choose = (request: SeenRequest, index: number) => Fault | undefined;

const answers = (status: number, code: string, message = code): Fault => ({
  type: "answer",
  status,
  code,
  message,
});

const through = (cluster: Cluster, endpoint: string, key: string) => ({
  s3: { ...cluster.repository(key).s3, endpoint },
});

/** Loads an object of 3 MB, in ranges of one, through a proxy that makes faults. */
function loading(
  section: string,
  statement: string,
  choose: Choose,
  check: (end: PodEnd, seen: SeenRequest[]) => void,
  more: Partial<PodRequest> = {},
): ConformanceCase {
  return {
    section,
    statement,
    run: async (cluster) => {
      cluster.putObject("faults/in", CONTENT);
      await using proxy = await startFaultProxy(cluster.s3.endpoint, choose);
      const artifact = { name: "a", path: "/tmp/a", archive: { none: {} } };
      const end = await runPod(cluster, {
        template: {
          container: {},
          inputs: { artifacts: [{ ...artifact, ...through(cluster, proxy.endpoint, "faults/in") }] },
        },
        absent: ["wait", "main"],
        ...more,
        env: { ...QUICK, SKEIN_S3_RANGE_MIB: "1", ...more.env },
      });
      check(end, proxy.seen);
    },
  };
}

const whole = (end: PodEnd): void => {
  expect(end.init.exitCode, end.init.log).toBe(0);
  expect(readFileSync(end.input("a")).equals(CONTENT)).toBe(true);
};
const fails = (message: RegExp) => (end: PodEnd, seen: SeenRequest[]) => {
  expect(end.init.exitCode).toBe(64);
  expect(end.init.terminationMessage).toMatch(message);
  expect(seen.length).toBeLessThan(5);
};

const TRANSIENT: readonly [number, string][] = [
  [500, "InternalError"],
  [503, "SlowDown"],
  [503, "ServiceUnavailable"],
  [502, "BadGateway"],
  [400, "RequestTimeout"],
  [400, "Throttling"],
  [400, "RequestLimitExceeded"],
];
const FINAL: readonly [number, string, RegExp][] = [
  [403, "AccessDenied", /^artifact a failed to load: failed to get file: .*AccessDenied/],
  [403, "SignatureDoesNotMatch", /^artifact a failed to load: failed to get file: .*SignatureDoesNotMatch/],
  [400, "InvalidArgument", /^artifact a failed to load: failed to get file: .*InvalidArgument/],
  [404, "NoSuchBucket", /^artifact a failed to load: failed to get file: .*NoSuchBucket/],
];

const loads: ConformanceCase[] = [
  ...TRANSIENT.map(([status, code]) =>
    loading(
      "21.2",
      `${status} ${code} from the store is tried again`,
      (_request, index) => (index < 2 ? answers(status, code) : undefined),
      whole,
    ),
  ),
  ...FINAL.map(([status, code, message]) =>
    loading(
      "21.2",
      `${status} ${code} from the store is not tried again`,
      () => answers(status, code),
      fails(message),
    ),
  ),
  loading(
    "21.1",
    "a text of the store that TRANSIENT_ERROR_PATTERN matches is tried again",
    (_request, index) => (index < 2 ? answers(400, "Odd", "come back tomorrow") : undefined),
    whole,
    { env: { TRANSIENT_ERROR_PATTERN: "back to.*ow" } },
  ),
  loading(
    "21.1",
    "a TRANSIENT_ERROR_PATTERN that is no pattern matches nothing",
    () => answers(400, "Odd", "come back tomorrow"),
    fails(/come back tomorrow/),
    { env: { TRANSIENT_ERROR_PATTERN: "(" } },
  ),
  loading(
    "21.1",
    "a connection that is reset in the middle is taken up at the byte it had reached",
    (_request, index) => (index === 1 ? { type: "reset", afterBytes: 500_000 } : undefined),
    (end, seen) => {
      whole(end);
      const again = seen.filter(
        ({ range }) => range !== undefined && !/^bytes=\d*000*-|^bytes=0-/.test(range),
      );
      expect(again.length, JSON.stringify(seen)).toBeGreaterThan(0);
    },
  ),
  loading(
    "21.1",
    "a body that ends too early is not taken for the whole",
    (_request, index) => (index === 1 ? { type: "short", afterBytes: 1000 } : undefined),
    whole,
  ),
  loading(
    "21.1",
    "a connection that delivers nothing is left, and the bytes fetched elsewhere",
    (_request, index) => (index === 1 ? { type: "stall", afterBytes: 1000 } : undefined),
    whole,
    { env: { SKEIN_STALL_TIMEOUT_SECONDS: "2" } },
  ),
  loading(
    "21.3",
    "when the retries are used up, the message is the last error, with how often and how long",
    () => answers(503, "SlowDown", "slow down"),
    (end) => {
      expect(end.init.exitCode).toBe(64);
      expect(end.init.terminationMessage).toMatch(/SlowDown.*gave up after \d+ attempts in [\d.]+ s/);
    },
    { env: { SKEIN_RETRY_BUDGET_SECONDS: "1" } },
  ),
];

/** Saves 6 MB in parts of 5, and a log, through a proxy that makes faults. */
const saving = (
  statement: string,
  choose: Choose,
  check: (end: PodEnd, cluster: Cluster, key: string) => void,
): ConformanceCase => ({
  section: "21.2",
  statement,
  run: async (cluster) => {
    const key = `faults/${statement.length}-${statement.slice(0, 3)}`;
    await using proxy = await startFaultProxy(cluster.s3.endpoint, choose);
    const end = await runPod(cluster, {
      template: {
        container: {},
        outputs: {
          artifacts: [
            { name: "o", path: "/tmp/o", archive: { none: {} } },
            { name: "p", path: "/tmp/p", archive: { none: {} } },
          ],
        },
        archiveLocation: { archiveLogs: true, ...through(cluster, proxy.endpoint, key) },
      },
      argv: sh("head -c 6000000 /dev/zero >/tmp/o; echo small >/tmp/p; echo log"),
      env: { ...QUICK, ARTIFACT_S3_UPLOAD_PART_SIZE_MIB: "5" },
    });
    check(end, cluster, key);
  },
});

const reported = ({ result }: PodEnd): unknown[] | undefined =>
  result?.outputs?.artifacts?.map(({ name }) => name);

const saves: ConformanceCase[] = [
  saving(
    "a part that fails is sent again, and only that",
    (() => {
      let failed = false;
      return ({ url }) => {
        if (failed || !url.includes("partNumber=2")) return undefined;
        failed = true;
        return answers(503, "SlowDown");
      };
    })(),
    (end, cluster, key) => {
      expect(end.wait?.exitCode, end.wait?.log).toBe(0);
      expect(cluster.object(`${key}/o`)?.byteLength).toBe(6_000_000);
    },
  ),
  saving(
    "an artifact that cannot be saved leaves nothing under its key, and the others and the log are saved and reported",
    ({ url }) => (url.includes("partNumber=2") ? answers(403, "AccessDenied") : undefined),
    (end, cluster, key) => {
      expect(end.wait?.exitCode).toBe(64);
      expect(end.wait?.terminationMessage).toMatch(
        /^artifact o failed to save: failed to put file: UploadPart /,
      );
      expect(cluster.keys(`${key}/`)).toEqual([`${key}/main.log`, `${key}/p`]);
      expect(reported(end)).toEqual(["p", "main-logs"]);
    },
  ),
  saving(
    "when several artifacts cannot be saved, the message names every one",
    ({ method }) => (method === "GET" ? undefined : answers(403, "AccessDenied")),
    (end) => {
      expect(end.wait?.exitCode).toBe(64);
      expect(end.wait?.terminationMessage).toMatch(
        /^artifact o failed to save: .*; artifact p failed to save: .*; $/s,
      );
      expect(reported(end) ?? []).toEqual([]);
    },
  ),
];

conformance("a store that makes faults", [...loads, ...saves]);
