import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createSecretReader } from "./secret-files.ts";
import { put, temporaryPaths } from "./test-support.ts";

describe("createSecretReader", () => {
  it("gives the bytes as they are, and nothing that can be printed", async () => {
    const paths = await temporaryPaths();
    await put(paths.secret("cred", "key"), "canary\n");
    const secret = await createSecretReader(paths)({ name: "cred", key: "key" });
    expect(secret.reveal()).toBe("canary\n");
    expect(`${secret}${JSON.stringify({ secret })}${inspect(secret)}`).not.toContain("canary");
  });

  it("names the file that is missing, even for an optional selector", async () => {
    const paths = await temporaryPaths();
    await expect(
      createSecretReader(paths)({ name: "cred", key: "none", optional: true }),
    ).rejects.toMatchObject({
      message: `open ${paths.secret("cred", "none")}: no such file or directory`,
      code: "secret.missing",
      remedy: expect.stringContaining('"cred"'),
    });
  });
});
