import { mkdir } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { translateDiskError, translateNetworkError } from "./node-errors.ts";

const failed = (code: string, message = code): Error => Object.assign(new Error(message), { code });

describe("translateNetworkError", () => {
  it.each<[Error, string, boolean]>([
    [failed("ENOTFOUND"), "network.dns", true],
    [failed("ECONNREFUSED"), "network.unreachable", true],
    [failed("ECONNRESET"), "transfer.interrupted", true],
    [new Error("socket hang up"), "transfer.interrupted", true],
    [failed("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "network.tls", false],
    [failed("EPROTO", "SSL routines:wrong version number"), "network.tls", false],
    [
      new AggregateError([failed("ECONNREFUSED", "connect ECONNREFUSED ::1:80"), failed("x")]),
      "network.unreachable",
      true,
    ],
    [new Error("wrapped", { cause: failed("EPIPE") }), "transfer.interrupted", true],
  ])("knows %s", (error, code, transient) => {
    expect(translateNetworkError(error, "GET x")).toMatchObject({
      code,
      transient,
      message: expect.stringMatching(/^GET x: ./),
      cause: error,
    });
  });

  it("leaves alone what does not come from the network", () => {
    expect(translateNetworkError(new TypeError("x is not a function"), "GET x")).toBeUndefined();
  });

  it("knows what Node really says", async () => {
    const server = createServer((socket) => socket.resetAndDestroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const error = await new Promise((resolve) =>
      request({ port, host: "127.0.0.1" }).on("error", resolve).end(),
    );
    expect(translateNetworkError(error, "GET x")).toMatchObject({ code: "transfer.interrupted" });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("translateDiskError", () => {
  it.each([
    ["ENOSPC", "disk.full"],
    ["EDQUOT", "disk.full"],
    ["EACCES", "disk.permission_denied"],
    ["EROFS", "disk.permission_denied"],
    ["ENOENT", "file.not_found"],
    ["EIO", "disk.failed"],
  ])("knows %s", (code, ours) => {
    expect(translateDiskError(failed(code), "cannot write /x")).toMatchObject({
      code: ours,
      transient: false,
    });
  });

  it("names what was being done", async () => {
    const error: unknown = await mkdir("/proc/nope").catch((reason: unknown) => reason);
    expect(translateDiskError(error, "cannot make /proc/nope").message).toMatch(
      /^cannot make \/proc\/nope: E/,
    );
  });
});
