import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { type Check, type Finding, fail, ok, skip } from "./check.ts";
import type { Examination } from "./examination.ts";
import { type Result, runChecks } from "./run-checks.ts";

// None of these checks looks at anything.
const EXAMINATION = {} as Examination;
const STUCK = { say: "look at its logs" };

function check(id: string, run: Check["run"], more: Partial<Check> = {}): Check {
  return { id, title: id, stuck: STUCK, run, ...more };
}

async function run(checks: Check[], options: { timeLimitMs?: number; signal?: AbortSignal } = {}) {
  const { timeLimitMs = 10_000, signal = new AbortController().signal } = options;
  const results = await runChecks(checks, EXAMINATION, { timeLimitMs, signal });
  return Object.fromEntries(results.map(({ id, finding }: Result) => [id, finding]));
}

const well = async (): Promise<Finding> => ok("");
const never = (): Promise<Finding> => new Promise(() => {});

describe("runChecks", () => {
  it("keeps the order given, whichever ends first", async () => {
    const found = await run([check("b", well, { needs: ["a"] }), check("a", well)]);
    expect(Object.keys(found)).toEqual(["b", "a"]);
  });

  it("runs what needs nothing side by side", async () => {
    const met = Promise.withResolvers<Finding>();
    const first = check("first", () => met.promise);
    const second = check("second", async () => {
      met.resolve(ok("met"));
      return ok("");
    });
    expect(await run([first, second])).toMatchObject({ first: { status: "ok" } });
  });

  it("does not wait for a check that never ends, nor hear what it says afterwards", async () => {
    const found = await run([check("hangs", never), check("fine", well)], { timeLimitMs: 20 });
    expect(found).toEqual({
      hangs: { status: "fail", evidence: "no answer within 0.02 s", fix: STUCK },
      fine: ok(""),
    });
  });

  it("skips what needs a failed check, and what needs that, for the same reason", async () => {
    const found = await run([
      check("root", async () => fail("broken", "mend it")),
      check("trunk", well, { needs: ["root"] }),
      check("leaf", well, { needs: ["trunk"] }),
      check("apart", async () => skip("not wanted")),
      check("twig", well, { needs: ["apart"] }),
    ]);
    expect(found).toMatchObject({
      trunk: { status: "skip", reason: "root comes first" },
      leaf: { status: "skip", reason: "root comes first" },
      twig: { status: "skip", reason: "not wanted" },
    });
  });

  it("runs what only comes after a failed check", async () => {
    const found = await run([
      check("root", async () => fail("broken", "mend it")),
      check("next", async (_, { found: seen }) => ok(seen.get("root")?.status ?? "unknown"), {
        after: ["root"],
      }),
    ]);
    expect(found.next).toEqual(ok("fail"));
  });

  it("makes a failure of whatever is thrown, with its remedy, or with what the check has to say", async () => {
    const found = await run([
      check("told", async () => {
        throw new ArtifactError("no room", { code: "disk.full", remedy: "make room" });
      }),
      check("odd", async () => {
        throw new TypeError("x is not a function");
      }),
      check("quick", () => {
        throw new Error("before its first await");
      }),
    ]);
    expect(found).toMatchObject({
      told: { status: "fail", code: "disk.full", fix: { say: "make room" } },
      odd: { status: "fail", evidence: "x is not a function", fix: STUCK },
      quick: { status: "fail", evidence: "before its first await" },
    });
  });

  it("stops on demand, but lets what tidies up do so", async () => {
    const stop = new AbortController();
    const waiting = check("waiting", async () => {
      stop.abort();
      return await never();
    });
    const tidying = check("tidying", async (_, { signal }) => ok(String(signal.aborted)), {
      after: ["waiting"],
      tidies: true,
    });
    const found = await run([waiting, check("later", well, { after: ["waiting"] }), tidying], {
      signal: stop.signal,
    });
    expect(found).toEqual({ waiting: skip("stopped"), later: skip("stopped"), tidying: ok("false") });
  });
});
