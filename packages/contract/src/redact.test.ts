import { describe, expect, it } from "vitest";
import { redactSecrets, rememberSecret } from "./redact.ts";
import { Secret } from "./secret.ts";

describe("redactSecrets", () => {
  it("leaves a text alone that holds no secret", () => {
    expect(redactSecrets("nothing to hide")).toBe("nothing to hide");
  });

  it("takes a secret out as it is, trimmed, in base64, in JSON and in a URL", () => {
    const value = 'pa"ss wörd\n';
    rememberSecret(value);
    const texts = [
      value,
      value.trim(),
      JSON.stringify({ value }),
      encodeURIComponent(value.trim()),
      Buffer.from(value).toString("base64"),
    ];
    for (const text of texts) expect(redactSecrets(`<${text}>`)).toContain("[redacted]");
    expect(texts.map(redactSecrets).join()).not.toMatch(/ss w|wörd/);
  });

  it("knows every Secret, bytes too", () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
    new Secret(bytes);
    expect(redactSecrets(`key ${Buffer.from(bytes).toString("base64")}`)).toBe("key [redacted]");
  });

  it("takes a key out line by line", () => {
    new Secret("-----BEGIN KEY-----\nc2VjcmV0LWxpbmUtb25l\nc2VjcmV0LWxpbmUtdHdv\n-----END KEY-----\n");
    expect(redactSecrets("bad line c2VjcmV0LWxpbmUtdHdv here")).toBe("bad line [redacted] here");
    expect(redactSecrets("-----BEGIN KEY-----")).toBe("-----BEGIN KEY-----");
  });

  it("takes the longer secret out first", () => {
    rememberSecret("abcdefgh");
    rememberSecret("abcdefgh-ijk");
    expect(redactSecrets("abcdefgh-ijk")).toBe("[redacted]");
  });

  it("does not blot out short words", () => {
    rememberSecret("admin");
    expect(redactSecrets("the admin's bucket")).toBe("the admin's bucket");
  });
});
