import { execFileSync } from "node:child_process";
import { symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { type Parameter, parseTemplate, type Template } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { MAX_PARAMETER_BYTES, readOutputParameters } from "./output-parameters.ts";
import { put, recordingLogger, temporaryPaths } from "./test-support.ts";

async function setUp(parameters: Parameter[], rest: Partial<Template> = {}) {
  const paths = await temporaryPaths();
  const template = parseTemplate(JSON.stringify({ outputs: { parameters }, ...rest }), "the test");
  const { log } = recordingLogger();
  return {
    paths,
    read: () => readOutputParameters(template, { paths, initless: false, log }),
    write: (path: string, content: string) => put(join(paths.outputParameters, path), content),
  };
}

const from = (name: string, path: string, more: object = {}): Parameter => ({
  name,
  valueFrom: { path, ...more },
});

describe("readOutputParameters", () => {
  it("reads what the front copied, without one trailing newline", async () => {
    const { read, write } = await setUp([from("a", "/tmp/a"), from("b", "/tmp/b"), from("c", "/tmp/c")]);
    await write("/tmp/a", "1\n");
    await write("/tmp/b", "2\n\n");
    await write("/tmp/c", "3\r\n");
    const { parameters, error } = await read();
    expect(error).toBeUndefined();
    expect(parameters.map(({ value }) => value)).toEqual(["1", "2\n", "3\r"]);
  });

  it("reads a path in a volume through the mirror", async () => {
    const container = { volumeMounts: [{ name: "w", mountPath: "/work" }] };
    const { read, paths } = await setUp([from("a", "/work/a")], { container });
    await put(join(paths.mainContainerRoot, "work/a"), "from the volume");
    expect((await read()).parameters[0]).toMatchObject({ value: "from the volume" });
  });

  it("echoes the declaration, and parameters that are the controller's business without a value", async () => {
    const declared: Parameter[] = [
      { name: "a", globalName: "g", valueFrom: { path: "/tmp/a", default: "d" } },
      { name: "b", valueFrom: { expression: "1 + 1" } },
    ];
    const { read, write } = await setUp(declared);
    await write("/tmp/a", "x");
    expect((await read()).parameters).toEqual([{ ...declared[0], value: "x" }, declared[1]]);
  });

  it("falls back to the default, an empty one included, and trims that too", async () => {
    const { read } = await setUp([
      from("a", "/tmp/a", { default: "" }),
      from("b", "/tmp/b", { default: "d\n" }),
    ]);
    const { parameters, error } = await read();
    expect(error).toBeUndefined();
    expect(parameters.map(({ value }) => value)).toEqual(["", "d"]);
  });

  it("does not wait for a pipe that nobody writes to", async () => {
    const container = { volumeMounts: [{ name: "work", mountPath: "/work" }] };
    const { paths, read } = await setUp([from("p", "/work/pipe")], { container });
    const pipe = join(paths.mainContainerRoot, "work/pipe");
    await put(`${pipe}.beside`, "");
    execFileSync("mkfifo", [pipe]);
    expect((await read()).error?.message).toContain("/work/pipe is a pipe");
  });

  it("stops at the first file that is missing, with Go's text", async () => {
    const { read, write, paths } = await setUp([
      from("a", "/tmp/a"),
      from("b", "/tmp/b"),
      from("c", "/tmp/c"),
    ]);
    await write("/tmp/a", "1");
    await write("/tmp/c", "3");
    const { parameters, error } = await read();
    expect(error?.message).toBe(`open ${paths.outputParameters}/tmp/b: no such file or directory`);
    expect(parameters.map(({ value }) => value)).toEqual(["1", undefined, undefined]);
  });

  it("says that a directory is one", async () => {
    const { read, write, paths } = await setUp([from("a", "/tmp/a")]);
    await write("/tmp/a/inside", "");
    expect((await read()).error?.message).toBe(`read ${paths.outputParameters}/tmp/a: is a directory`);
  });

  it("refuses a value that no task result could hold, before reading it", async () => {
    const { read, write } = await setUp([from("a", "/tmp/a")]);
    await truncate(await write("/tmp/a", ""), MAX_PARAMETER_BYTES + 1);
    expect((await read()).error).toMatchObject({ code: "kubernetes.too_large" });
  });

  it("does not follow a link out of what the user wrote", async () => {
    const { read, write, paths } = await setUp([from("a", "/tmp/a")]);
    await write("/tmp/other", "");
    const secret = await put(paths.secret("s", "k"), "canary");
    await symlink(secret, join(paths.outputParameters, "tmp/a"));
    const { parameters, error } = await read();
    expect(error).toMatchObject({ code: "archive.path_escape" });
    expect(JSON.stringify(parameters)).not.toContain("canary");
  });
});
