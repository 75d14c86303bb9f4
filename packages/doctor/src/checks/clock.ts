import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Connection } from "@skein/kubernetes";
import { type Check, fail, ok, skip, warn } from "../check.ts";

/** Stores refuse requests that are older or newer than this (`RequestTimeTooSkewed`). */
const REFUSED_MS = 15 * 60 * 1000;
/** Traces of pods that are further apart than this are drawn wrong, and tokens expire too early. */
const NOTICED_MS = 5_000;

/** This machine's clock against those of the servers. */
export const clock: Check = {
  id: "clock",
  title: "clock",
  after: ["api-server", "s3-list", "s3-put"],
  stuck: { say: "neither server says what time it is: see their rows" },
  async run(examination, { signal }) {
    const { cluster } = examination;
    const store = await examination.store().catch(() => undefined);
    const greeting = await examination.greeting().catch(() => undefined);
    const offsets = [
      { of: "the API server's", ms: cluster && (await offsetOf(cluster.connection, signal)) },
      // What a refusal has taught counts more than what an unsigned request was answered.
      { of: "the store's", ms: store?.clockOffsetMs || greeting?.clockOffsetMs },
    ].flatMap(({ of, ms }) => (ms === undefined ? [] : [{ of, ms }]));
    if (offsets.length === 0) return skip("no server has said what time it is");
    const evidence = offsets.map(({ of, ms }) => describe(of, ms)).join(", ");
    const worst = Math.max(...offsets.map(({ ms }) => Math.abs(ms)));
    const agree =
      offsets.length === 2 && Math.abs((offsets[0]?.ms ?? 0) - (offsets[1]?.ms ?? 0)) < NOTICED_MS;
    const own = examination.inPod ? "this node's clock" : "this machine's clock";
    const whose = offsets.length === 1 || agree ? own : "the clock of whichever of the three is alone";
    const commands = ["timedatectl set-ntp true", "chronyc tracking"];
    if (worst >= REFUSED_MS) {
      return fail(
        evidence,
        `set ${whose}: S3 refuses requests that are 15 minutes off (RequestTimeTooSkewed), and tokens and certificates are judged by it. On that machine:`,
        commands,
      );
    }
    if (worst >= NOTICED_MS) {
      return warn(
        evidence,
        `set ${whose}: spans of different pods will not fit together, and tokens expire early. On that machine:`,
        commands,
      );
    }
    return ok(evidence);
  },
};

function describe(whose: string, offsetMs: number): string {
  const seconds = Math.abs(offsetMs) / 1000;
  // A Date header has whole seconds.
  if (seconds < 1) return `${whose} agrees within 1 s`;
  const text = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  return `${whose} is ${text} ${offsetMs > 0 ? "ahead of" : "behind"} this one`;
}

/** By the `Date` header of whatever the API server answers to a stranger. */
function offsetOf({ server, tls, proxyUrl }: Connection, signal: AbortSignal): Promise<number | undefined> {
  // A proxy's answer would have the proxy's time.
  if (proxyUrl) return Promise.resolve(undefined);
  const isPlain = server.protocol === "http:";
  const askedAt = Date.now();
  return new Promise((resolve) => {
    const options = {
      method: "HEAD",
      path: "/version",
      signal,
      agent: false as const,
      ...(isPlain ? {} : tls),
    };
    const request = (isPlain ? httpRequest : httpsRequest)(server, options, (answer) => {
      answer.resume();
      const servedAt = Date.parse(answer.headers.date ?? "");
      resolve(Number.isNaN(servedAt) ? undefined : Math.round(servedAt + 500 - (askedAt + Date.now()) / 2));
    });
    // Why it cannot be reached is said in its own row.
    request.on("error", () => resolve(undefined));
    request.end();
  });
}
