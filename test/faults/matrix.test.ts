import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestSpan } from "../../packages/artifacts/src/test-support.ts";
import { type FaultProxy, type SeenRequest, startFaultProxy } from "../support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { FAULTS, type FaultCase, type Outcome } from "./faults.ts";
import {
  type Bed,
  makeBed,
  OPERATIONS,
  type Operation,
  PART_BYTES,
  REGION,
  withEngine,
} from "./operations.ts";

const MIB = 1024 * 1024;
/** Short waits, and enough time for a machine that does much else. */
const QUICK_RETRIES = { baseDelayMs: 20, factor: 1.6, maxDelayMs: 500, budgetMs: 20_000 };
const DEFAULT_RETRIES = { baseDelayMs: 1000, factor: 1.6, maxDelayMs: 20_000, budgetMs: 120_000 };

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ flags: ["--region", REGION] });
});

afterAll(() => server[Symbol.asyncDispose]());

interface Struck {
  bed: Bed;
  proxy: FaultProxy;
  /** The first request that met the fault. */
  struck: SeenRequest;
  spans: TestSpan[];
  /** The report, or the error. */
  end: { report?: unknown; error?: unknown };
}

async function strike(
  operation: Operation,
  faultCase: FaultCase,
  check: (struck: Struck) => Promise<void>,
): Promise<void> {
  await using bed = await makeBed(server);
  await operation.prepare(bed);
  const choose = faultCase.fault(operation);
  const met: SeenRequest[] = [];
  let back: Promise<void> | undefined;
  await using proxy = await startFaultProxy(server.endpoint, (request) => {
    const chosen = choose(request, met.length);
    if (chosen === undefined) return undefined;
    met.push(request);
    if (chosen !== "go away") return chosen;
    back = proxy.goAway(faultCase.awayMs ?? 0);
    return { type: "stall", afterBytes: 0 };
  });
  const settings = {
    ...operation.settings,
    retry: faultCase.defaultRetries ? DEFAULT_RETRIES : QUICK_RETRIES,
    stallTimeoutMs: faultCase.stallTimeoutMs ?? 2000,
  };
  await withEngine(bed, settings, async (test) => {
    const at = { endpoint: proxy.endpoint, ...(!faultCase.withoutRegion && { region: REGION }) };
    const end = await operation.run(bed, test, at).then(
      (report) => ({ report }),
      (error: unknown) => ({ error }),
    );
    await back;
    const [struck] = met;
    if (!struck) throw new Error("the fault did not happen");
    await check({ bed, proxy, struck, spans: test.spans, end });
  });
}

function retryCodes(spans: TestSpan[]): unknown[] {
  return spans
    .flatMap(({ events }) => events)
    .filter(({ name }) => name === "retry")
    .map(({ attributes }) => attributes["error.type"]);
}

async function recovered(
  operation: Operation,
  { because, resumes }: Extract<Outcome, { type: "recovers" }>,
  { bed, proxy, struck, spans, end }: Struck,
): Promise<void> {
  if (end.error) throw end.error;
  await operation.requireWhole(bed);
  const codes = retryCodes(spans);
  if (because) expect(codes).toContainEqual(expect.stringMatching(because));
  else expect(codes).toEqual([]);
  if (resumes === "anew") return;
  const passed = proxy.seen.reduce((sum, { answerBytes }) => sum + answerBytes, 0);
  const sent = proxy.seen.reduce((sum, { requestBytes }) => sum + requestBytes, 0);
  // A connection that is left takes with it what it has not handed over; of a save's, the part it carried.
  const lost = operation.direction === "load" ? MIB / 2 : PART_BYTES;
  const most = operation.sizeBytes + Math.max(1, codes.length) * lost;
  expect(operation.direction === "load" ? passed : sent).toBeLessThan(most);
  if (!resumes) return;
  const [again] = proxy.seen
    .slice(proxy.seen.indexOf(struck) + 1)
    .filter(({ url, range }) => url === struck.url && range?.endsWith(operation.middleEnd ?? ""));
  const from = firstOf(again);
  if (resumes === "exactly" && codes.length === 1) expect(from).toBe(firstOf(struck) + struck.answerBytes);
  else expect(from).toBeGreaterThanOrEqual(firstOf(struck) + (codes.length === 1 ? 1 : 0));
}

function firstOf(request: SeenRequest | undefined): number {
  return Number(/=(\d+)-/.exec(request?.range ?? "")?.[1]);
}

async function failed(
  operation: Operation,
  { code, remedy }: Extract<Outcome, { type: "fails" }>,
  { bed, proxy, end }: Struck,
): Promise<void> {
  expect(end.error).toMatchObject({
    code,
    remedy: expect.stringMatching(remedy),
    message: expect.stringContaining(
      `s3://${bed.bucket}/${operation.failingKey} at http://${proxy.endpoint} (region eu-west-`,
    ),
  });
  expect((end.error as Error).message).toContain('static keys of secret "s3")');
  expect(JSON.stringify([end.error, (end.error as Error).message])).not.toContain(server.secretKey);
  await operation.requireNothing(bed);
}

describe.each(OPERATIONS)("$name", (operation) => {
  for (const faultCase of FAULTS) {
    if (faultCase.not?.(operation)) continue; // there is no such thing: `not` says why
    const outcome = faultCase.outcome(operation);
    const says = outcome.type === "recovers" ? "gets over" : `fails with ${outcome.code} for`;
    it.concurrent(`${says} ${faultCase.name}`, () =>
      strike(operation, faultCase, (struck) =>
        outcome.type === "recovers"
          ? recovered(operation, outcome, struck)
          : failed(operation, outcome, struck),
      ));
  }
});
