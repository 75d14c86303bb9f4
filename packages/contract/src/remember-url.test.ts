import { describe, expect, it } from "vitest";
import { redactSecrets } from "./redact.ts";
import { rememberHeaderSecrets, rememberUrlSecrets } from "./remember-url.ts";

describe("rememberUrlSecrets", () => {
  it("knows the password, the header made of it, and a signature in the query", () => {
    rememberUrlSecrets(
      new URL("https://someone:url-pass%20word@host/path?X-Amz-Signature=sig-0123456789&part=abcdefghij"),
    );
    const header = Buffer.from("someone:url-pass word").toString("base64");
    const said = `no url-pass word, no ${header}, no sig-0123456789, but abcdefghij of host/path`;
    expect(redactSecrets(said)).toBe(
      "no [redacted], no [redacted], no [redacted], but abcdefghij of host/path",
    );
  });

  it("takes a user without a password for a token", () => {
    rememberUrlSecrets(new URL("https://ghp-0123456789@host/r.git"));
    expect(redactSecrets("denied to ghp-0123456789")).toBe("denied to [redacted]");
  });
});

describe("rememberHeaderSecrets", () => {
  it("knows what a header lets in with, not what it tells", () => {
    rememberHeaderSecrets([
      { name: "Authorization", value: "Bearer abc-0123456789" },
      { name: "User-Agent", value: "curl-like-client" },
    ]);
    expect(redactSecrets("curl-like-client sent abc-0123456789")).toBe("curl-like-client sent [redacted]");
  });
});
