import { isNotFound } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { type S3Attempt, translateS3Error } from "./s3-errors.ts";

const ATTEMPT: S3Attempt = {
  operation: "GetObject",
  bucket: "b",
  key: "k",
  endpoint: "http://127.0.0.1:9",
  region: "eu-west-1",
  credentialSource: 'static keys of secret "cred"',
};

function said(name: string, httpStatusCode: number, operation = "GetObject") {
  const error = Object.assign(new Error("said"), { name, $metadata: { httpStatusCode } });
  return translateS3Error(error, { ...ATTEMPT, operation });
}

describe("translateS3Error", () => {
  it("takes nothing but the store's own word for an object that is not there", () => {
    expect(isNotFound(said("NoSuchKey", 404))).toBe(true);
    expect(isNotFound(said("NotFound", 404, "HeadObject"))).toBe(true);
  });

  it.each(["NotFound", "UnknownError", "SyntaxError"])(
    "does not let an optional artifact be skipped because a proxy answered 404 (%s)",
    (name) => {
      const error = said(name, 404);
      expect(isNotFound(error)).toBe(false);
      expect(error.remedy).toContain("check the endpoint http://127.0.0.1:9");
    },
  );

  it.each([
    [
      "GetObject",
      'failed to get file: GetObject s3://b/k at http://127.0.0.1:9 (region eu-west-1, static keys of secret "cred") failed: said (403 AccessDenied)',
    ],
    [
      "UploadPart",
      'failed to put file: UploadPart s3://b/k at http://127.0.0.1:9 (region eu-west-1, static keys of secret "cred") failed: said (403 AccessDenied)',
    ],
  ])("begins with upstream's words (%s)", (operation, message) => {
    expect(said("AccessDenied", 403, operation).message).toBe(message);
  });

  it("knows an access key that the store does not know", () => {
    const error = said("XAdminUserNotFound", 404);
    expect(error).toMatchObject({ code: "s3.invalid_credentials" });
    expect(error.remedy).toContain('secret "cred"');
  });
});
