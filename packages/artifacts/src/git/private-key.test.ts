import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkPrivateKey } from "./private-key.ts";

const rsa = (options: object = {}) =>
  generateKeyPairSync("rsa", {
    modulusLength: 1024,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem", ...options },
  } as never) as unknown as { privateKey: string };

describe("checkPrivateKey", () => {
  it("gives the key back with line ends that OpenSSH reads", () => {
    const { privateKey } = rsa();
    expect(checkPrivateKey(privateKey, "it")).toBe(privateKey);
    expect(checkPrivateKey(privateKey.trimEnd().replaceAll("\n", "\r\n"), "it")).toBe(privateKey);
  });

  it.each([
    ["something else", "no key at all", "is no private key"],
    ["nothing", "", "is no private key"],
    ["a public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@host", "is a public key"],
    ["a key of PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\n", "is a key of PuTTY"],
    [
      "an encrypted key of PKCS 8",
      rsa({ type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" }).privateKey,
      "is a key with a passphrase",
    ],
    [
      "an encrypted key of PKCS 1",
      rsa({ cipher: "aes-256-cbc", passphrase: "x" }).privateKey,
      "is a key with a passphrase",
    ],
    [
      "a cut key of OpenSSH",
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n",
      "is a key with a passphrase, or is broken",
    ],
  ])("refuses %s, and repeats nothing of it", (_what, key, message) => {
    expect(() => checkPrivateKey(key, "the key of somewhere")).toThrow(
      expect.objectContaining({
        code: "git.authentication_failed",
        message: `git: the key of somewhere ${message}`,
      }),
    );
  });
});
