import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { LabSetupError } from "../errors.ts";
import { parseS3Url, startS3Server } from "./s3-server.ts";

const PROGRAM = fileURLToPath(new URL("../../../../.tools/bin/versitygw", import.meta.url));

describe("startS3Server", () => {
  it("serves a bucket on loopback that only its credentials open, and is gone when closed", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lab-s3-"));
    try {
      const server = await startS3Server(PROGRAM, directory);
      const url = `http://${server.endpoint}/${server.bucket}`;
      expect((await fetch(url)).status).toBe(403);
      expect(existsSync(join(directory, "data", server.bucket))).toBe(true);
      await server.close();
      await expect(fetch(url)).rejects.toThrow();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("says which program did not start, and what it said", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lab-s3-"));
    try {
      await expect(startS3Server("/bin/false", directory)).rejects.toThrow(
        /the S3 server \/bin\/false does not start/,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("parseS3Url", () => {
  it("reads endpoint, bucket and credentials, percent-encoded where they must be", () => {
    expect(parseS3Url("http://key:se%2Fcret@host:9000/bucket")).toEqual({
      endpoint: "host:9000",
      insecure: true,
      bucket: "bucket",
      accessKey: "key",
      secretKey: "se/cret",
    });
    expect(parseS3Url("https://k:s@host/b/")).toMatchObject({
      endpoint: "host",
      insecure: false,
      bucket: "b",
    });
  });

  it("says what is missing, and never repeats a credential", () => {
    expect(() => parseS3Url("http://hunter2:hunter2@host:9000/")).toThrow(LabSetupError);
    expect(() => parseS3Url("http://hunter2:hunter2@host:9000/")).toThrow(/lacks one bucket as the path/);
    expect(() => parseS3Url("http://host/b")).toThrow(/lacks the access key, the secret key/);
    expect(() => parseS3Url("http://hunter2:x@host:9000/")).not.toThrow(/hunter2/);
    expect(() => parseS3Url("s3://bucket")).toThrow(/must look like/);
  });
});
