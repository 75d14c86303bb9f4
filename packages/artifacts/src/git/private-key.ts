import { ArtifactError } from "@skein/contract";

/**
 * Says of a key what ssh would not say, and before anybody is asked: that it is none, or one with a passphrase.
 *
 * @param what names the place it is from
 * @returns the key as OpenSSH reads it: it does not read one whose last line does not end
 * @throws ArtifactError `git.authentication_failed`
 */
export function checkPrivateKey(key: string, what: string): string {
  const wrong = whatIsWrong(key);
  if (wrong !== undefined) {
    throw new ArtifactError(`git: ${what} ${wrong}`, {
      code: "git.authentication_failed",
      remedy: "it must be an unencrypted private key in PEM or OpenSSH form, as `ssh-keygen -N ''` makes it",
    });
  }
  // Secrets that were made on other systems have other line ends.
  return `${key.replaceAll("\r\n", "\n").trimEnd()}\n`;
}

function whatIsWrong(key: string): string | undefined {
  if (/^\s*PuTTY-User-Key-File/.test(key)) return "is a key of PuTTY";
  if (/^\s*(ssh|ecdsa|sk)-\S+ AAAA/.test(key)) return "is a public key";
  const [, type, body] = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s(.*)-----END/s.exec(key) ?? [];
  if (type === undefined || body === undefined) return "is no private key";
  if (type.startsWith("ENCRYPTED") || /Proc-Type:.*ENCRYPTED/.test(body)) return "is a key with a passphrase";
  if (type.startsWith("OPENSSH") && cipherOf(body) !== "none")
    return "is a key with a passphrase, or is broken";
  return undefined;
}

/** `openssh-key-v1\0`, and then the cipher's name with its length before it (openssh/PROTOCOL.key). */
function cipherOf(body: string): string {
  const bytes = Buffer.from(body, "base64");
  const begin = "openssh-key-v1\0".length;
  if (bytes.byteLength < begin + 8) return "";
  const length = bytes.readUInt32BE(begin);
  return bytes.subarray(begin + 4, begin + 4 + length).toString("latin1");
}
