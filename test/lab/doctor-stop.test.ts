import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { startS3Server } from "../support/s3-server.ts";

const SKEIN = fileURLToPath(new URL("../../packages/skein/bin/skein.mjs", import.meta.url));

it("skein doctor after Ctrl-C prints what it knows, removes its object, and ends with 130", async () => {
  await using server = await startS3Server();
  const reached = Promise.withResolvers<void>();
  await using proxy = await startFaultProxy(server.endpoint, ({ method, url }) => {
    if (method !== "GET" || !url.includes("skein-doctor")) return undefined;
    reached.resolve();
    return { type: "stall", afterBytes: 0 };
  });
  const args = [SKEIN, "doctor", "--bucket", server.bucket, "--endpoint", proxy.endpoint, "--insecure"];
  const env = {
    PATH: process.env.PATH,
    HOME: "/nonexistent",
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
  };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  await Promise.race([reached.promise, output]);
  child.kill("SIGINT");
  const [stdout, stderr, [exitCode]] = await output;
  expect({ exitCode, stderr }, stdout).toEqual({
    exitCode: 130,
    stderr: "skein: stopping, and removing the probe object; once more to leave at once\n",
  });
  expect(stdout).toMatch(/✔ s3-put +s3:.*\n/);
  expect(stdout).toMatch(/✔ s3-delete +removed s3:.*\n/);
  expect(stdout).toMatch(/not looked at: .*s3-get.* \(stopped\)\n/);
  expect(stdout).toMatch(/\nstopped before it was through: /);
}, 60_000);
