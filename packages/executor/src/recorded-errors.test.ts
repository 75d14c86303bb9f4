import { ArtifactError, errorCode } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { joinErrors, RecordedErrors } from "./recorded-errors.ts";
import { recordingLogger } from "./test-support.ts";

describe("RecordedErrors", () => {
  it("tells of the first and goes on after each", async () => {
    const { log, records } = recordingLogger();
    const errors = new RecordedErrors(log);
    expect(await errors.attempt(() => Promise.resolve("fine"), "other")).toBe("fine");
    expect(errors.first).toBeUndefined();
    const forbidden = new ArtifactError("forbidden", { code: "kubernetes.forbidden", remedy: "add a role" });
    expect(await errors.attempt(() => Promise.reject(forbidden), "other")).toBe("other");
    errors.record("second");
    expect(errors.first).toBe(forbidden);
    expect(records).toEqual([
      expect.objectContaining({
        msg: "executor error",
        error: "forbidden",
        code: "kubernetes.forbidden",
        remedy: "add a role",
      }),
      expect.objectContaining({ msg: "executor error", error: "second", code: "internal" }),
    ]);
  });

  it("puts what an earlier act recorded in its place", () => {
    const errors = new RecordedErrors(recordingLogger().log);
    errors.recall({ message: "from begin", code: "kubernetes.forbidden" });
    errors.record(new Error("from finish"));
    expect(errors.first?.message).toBe("from begin");
    expect(errorCode(errors.first)).toBe("kubernetes.forbidden");
  });
});

describe("joinErrors", () => {
  it("joins as upstream does, with the separator at the end too", () => {
    const errors = [new ArtifactError("a failed", { code: "s3.no_such_key" }), new Error("b failed")];
    expect(joinErrors(errors)?.message).toBe("a failed; b failed; ");
    expect(errorCode(joinErrors(errors))).toBe("s3.no_such_key");
  });

  it("makes nothing of nothing", () => {
    expect(joinErrors([])).toBeUndefined();
  });
});
