import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { fileError } from "./file-error.ts";

describe("fileError", () => {
  it("tells a missing file as Go tells it, and marks it as not found", async () => {
    const path = join(tmpdir(), "skein-there-is-no-such-file");
    const error = await readFile(path).catch((reason: unknown) => fileError(reason, path));
    expect(error).toBeInstanceOf(ArtifactError);
    expect(error).toMatchObject({
      message: `open ${path}: no such file or directory`,
      code: "file.not_found",
    });
  });

  it("names the operation that was asked for", async () => {
    const error = await readFile(tmpdir()).catch((reason: unknown) => fileError(reason, "/d", "read"));
    expect(error).toMatchObject({ message: "read /d: is a directory", code: "disk.failed" });
  });

  it("leaves errors alone that are no failed system call", () => {
    const ours = new ArtifactError("no such key", { code: "s3.no_such_key" });
    const strange = new TypeError("x is not a function");
    expect(fileError(ours, "/p")).toBe(ours);
    expect(fileError(strange, "/p")).toBe(strange);
    expect(fileError("text", "/p").message).toBe("text");
  });
});
