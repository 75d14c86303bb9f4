import { describe, expect, it } from "vitest";
import { EMPTY_PAYLOAD, encodeKey, SigV4Signer, sha256 } from "./sigv4.ts";

/** Keys, time and signatures of the examples in https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const AT = { region: "us-east-1", now: new Date("2013-05-24T00:00:00.000Z") };
const HOST = "examplebucket.s3.amazonaws.com";

describe("the published examples", () => {
  const signer = new SigV4Signer();

  it("GET Object, with a range", () => {
    const headers = { host: HOST, range: "bytes=0-9" };
    const request = { method: "GET", path: "/test.txt", query: "", headers, payloadHash: EMPTY_PAYLOAD };
    expect(signer.sign(request, CREDENTIALS, AT).authorization).toBe(
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
  });

  it("PUT Object, with a body and a key to encode", () => {
    const headers = {
      host: HOST,
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    };
    const path = `/${encodeKey("test$file.text")}`;
    const payloadHash = sha256("Welcome to Amazon S3.");
    const request = { method: "PUT", path, query: "", headers, payloadHash };
    expect(signer.sign(request, CREDENTIALS, AT).authorization).toContain(
      "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
  });

  it.each([
    ["lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("GET with the query %s", (query, signature) => {
    const request = { method: "GET", path: "/", query, headers: { host: HOST }, payloadHash: EMPTY_PAYLOAD };
    expect(signer.sign(request, CREDENTIALS, AT).authorization).toContain(`Signature=${signature}`);
  });
});

it("signs the session token, and anew when keys, region or day are others", () => {
  const signer = new SigV4Signer();
  const request = {
    method: "GET",
    path: "/",
    query: "",
    headers: { host: HOST },
    payloadHash: EMPTY_PAYLOAD,
  };
  const sign = (changes: object = {}, at: object = {}) =>
    signer.sign(request, { ...CREDENTIALS, ...changes }, { ...AT, ...at });
  const first = sign();
  expect(sign({ sessionToken: "token" })).toMatchObject({
    "x-amz-security-token": "token",
    authorization: expect.stringContaining("x-amz-date;x-amz-security-token"),
  });
  const others = [
    sign({ secretAccessKey: "other" }),
    sign({}, { region: "eu-west-1" }),
    sign({}, { now: new Date("2013-05-25T00:00:00.000Z") }),
  ];
  expect(new Set([first, ...others].map(({ authorization }) => authorization)).size).toBe(4);
  expect(sign()).toEqual(first);
});

it("encodes keys as S3 does", () => {
  expect(encodeKey("a b/ü+(1)/~!*'&.tgz")).toBe("a%20b/%C3%BC%2B%281%29/~%21%2A%27%26.tgz");
});
