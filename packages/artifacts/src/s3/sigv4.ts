import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";

/** Whom a request is signed for. */
export interface SigningCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface RequestToSign {
  method: string;
  /** Encoded as it is sent; S3 does not normalise paths, nor encode them a second time. */
  path: string;
  /** Encoded and sorted by name, without the question mark. */
  query: string;
  /** All of them are signed. Names in lower case; `host` among them. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal, or {@link UNSIGNED_PAYLOAD}. */
  payloadHash: string;
}

/** For bodies that TLS protects. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
export const EMPTY_PAYLOAD = sha256("");

/**
 * Signs requests to S3 with AWS Signature Version 4.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class SigV4Signer {
  /**
   * The key of a day, region and secret is the same for all requests. As an object: from bytes Node.js makes one for each
   * signature, which takes six times as long as signing.
   */
  #key: { scope: string; secret: string; value: KeyObject } | undefined;

  /** @returns the headers to send: those given, and those that sign them */
  sign(
    request: RequestToSign,
    { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials,
    { region, now }: { region: string; now: Date },
  ): Record<string, string> {
    const time = now.toISOString().replace(/[:-]|\.\d{3}/g, "");
    const date = time.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      "x-amz-content-sha256": request.payloadHash,
      "x-amz-date": time,
      ...(sessionToken && { "x-amz-security-token": sessionToken }),
    };
    const names = Object.keys(headers).sort();
    const signedHeaders = names.join(";");
    const canonical = [
      request.method,
      request.path,
      request.query,
      ...names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`),
      "",
      signedHeaders,
      request.payloadHash,
    ].join("\n");
    const scope = `${date}/${region}/s3/aws4_request`;
    const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
    const signature = createHmac("sha256", this.#signingKey(scope, secretAccessKey))
      .update(text)
      .digest("hex");
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
    return headers;
  }

  #signingKey(scope: string, secret: string): KeyObject {
    if (this.#key?.scope !== scope || this.#key.secret !== secret) {
      const value = scope
        .split("/")
        .reduce<string | Buffer>(
          (key, part) => createHmac("sha256", key).update(part).digest(),
          `AWS4${secret}`,
        );
      this.#key = { scope, secret, value: createSecretKey(value as Buffer) };
    }
    return this.#key.value;
  }
}

/** A key as a path: every segment encoded, slashes kept. */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeRfc3986).join("/");
}

/** What `encodeURIComponent` leaves and RFC 3986 reserves is encoded, too. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}
