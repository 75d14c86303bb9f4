import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../test-support.ts";
import { createPrivateFile } from "./private-file.ts";

describe("createPrivateFile", () => {
  it("can be read by its path, and is in no directory", async () => {
    await using directory = await temporaryDirectory();
    const before = await readdir("/dev/shm");
    const file = await createPrivateFile("a secret", directory.path);
    expect(await readFile(file.path, "utf8")).toBe("a secret");
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory.path)).toEqual([]);
    const made = (await readdir("/dev/shm")).filter((name) => !before.includes(name));
    expect(made.filter((name) => name.startsWith(".skein-"))).toEqual([]);
    await file[Symbol.asyncDispose]();
    await expect(readFile(file.path)).rejects.toThrow();
  });

  it("is a private file with a name where there are no descriptors to be seen", async () => {
    await using directory = await temporaryDirectory();
    const file = await createPrivateFile("a secret", directory.path, "/no-proc");
    expect(await readFile(file.path, "utf8")).toBe("a secret");
    expect(file.path.startsWith(join(directory.path, "/"))).toBe(true);
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    await file[Symbol.asyncDispose]();
    expect(await readdir(directory.path)).toEqual([]);
  });
});
