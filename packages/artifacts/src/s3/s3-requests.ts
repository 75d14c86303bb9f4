import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ArtifactError } from "@skein/contract";
import { bodyChunks } from "./body-chunks.ts";
import { BucketAddress } from "./bucket-address.ts";
import { endSending, exchange, readRefusal, readText, refusalIn, type S3Refusal } from "./http-exchange.ts";
import { isErrorDocument } from "./multipart-documents.ts";
import type { BucketRegion, OnSent } from "./object-store.ts";
import type { S3Connection } from "./s3-connection.ts";
import { MAX_REGION_CORRECTIONS, regionNamedBy, translateS3Error } from "./s3-errors.ts";
import { EMPTY_PAYLOAD, encodeKey, encodeRfc3986, sha256, UNSIGNED_PAYLOAD } from "./sigv4.ts";

/** The longest is a listing: a thousand keys of 1024 bytes, each of them written as an entity. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

export interface Call {
  /** The API's name, for messages. */
  operation: string;
  method: "GET" | "PUT" | "POST" | "DELETE";
  key: string;
  /** The key for messages, where it is not the one in the path. */
  prefix?: string;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  signal: AbortSignal;
  onSent?: OnSent | undefined;
}

/** Signs and sends requests to one bucket, and says what became of them in our own words. No retries but corrections. */
export class S3Requests {
  readonly region: BucketRegion;
  readonly address: BucketAddress;
  readonly #connection: S3Connection;
  readonly #bucket: string;
  #wantsMd5 = false;

  constructor(connection: S3Connection, bucket: string) {
    this.#connection = connection;
    this.#bucket = bucket;
    this.address = new BucketAddress(connection.options, bucket);
    this.region = { name: connection.region };
  }

  /** As `send`; with a digest in a header of its own once a bucket has asked for one, as those with object locking do. */
  async sendContent(call: Call & { body: Uint8Array }): Promise<IncomingMessage> {
    const once = (isDigested: boolean): Promise<IncomingMessage> => {
      const digest = isDigested && { "content-md5": createHash("md5").update(call.body).digest("base64") };
      return this.send({ ...call, headers: { ...call.headers, ...digest } });
    };
    const isDigested = this.#wantsMd5; // another part may learn it meanwhile
    try {
      return await once(isDigested);
    } catch (error) {
      const asked = error instanceof ArtifactError && error.code === "s3.bad_request";
      if (isDigested || !asked || !/Content-MD5/i.test(error.message)) throw error;
      this.#wantsMd5 = true;
      return once(true);
    }
  }

  /**
   * One request, and once more where a bucket turns out to be in another region. Another may have learnt
   * the same meanwhile. The answer's body is the caller's to read or to let go.
   */
  async send(call: Call): Promise<IncomingMessage> {
    for (let corrections = 0; ; corrections++) {
      const region = this.region.name;
      let refusal: unknown;
      try {
        const answer = await this.#exchange(call, region);
        const { statusCode = 0 } = answer;
        const isRefused = statusCode < 200 || statusCode >= 300;
        if (isRefused) refusal = await readRefusal(answer);
        if (call.body !== undefined) endSending(answer);
        if (!isRefused) return answer;
        this.#learnClock(refusal as S3Refusal);
      } catch (error) {
        refusal = error;
      }
      call.signal.throwIfAborted();
      const named = regionNamedBy(refusal);
      const isLost = named === undefined || named === region || corrections >= MAX_REGION_CORRECTIONS;
      if (isLost) throw this.translate(refusal, call);
      this.region.name = named;
    }
  }

  async #exchange(
    { method, key, query = {}, headers = {}, body, signal, onSent }: Call,
    region: string,
  ): Promise<IncomingMessage> {
    const connection = this.#connection;
    const origin = this.address.originIn(region);
    const path = `${origin.root}${encodeKey(key)}`;
    const { isPlain } = origin;
    const signed = connection.signer.sign(
      {
        method,
        path,
        query: canonicalQuery(query),
        headers: { ...headers, host: origin.host },
        payloadHash: payloadHash(method, body, isPlain),
      },
      await connection.credentials(),
      { region, now: new Date(Date.now() + connection.clockOffsetMs) },
    );
    return exchange({
      origin,
      method,
      path: Object.keys(query).length > 0 ? `${path}?${canonicalQuery(query)}` : path,
      headers: {
        ...signed,
        "user-agent": "skein",
        ...(body !== undefined && { "content-length": String(body.byteLength) }),
      },
      body,
      agent: isPlain ? connection.agents.http : connection.agents.https,
      signal,
      idleTimeoutMs: connection.idleTimeoutMs,
      onSent,
    });
  }

  /** The next request is signed with the server's clock. */
  #learnClock({ name, $response }: S3Refusal): void {
    if (name !== "RequestTimeTooSkewed") return;
    const served = Date.parse($response.headers.date ?? "");
    if (!Number.isNaN(served)) this.#connection.clockOffsetMs = served - Date.now();
  }

  /**
   * An answer that is a document. One that says that it is an error is one, whatever its status: S3 begins to answer before it
   * knows (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
   */
  async document(call: Call): Promise<string> {
    const answer = await this.send(call);
    const text = await readText(answer, MAX_DOCUMENT_BYTES).catch((error: unknown) => {
      call.signal.throwIfAborted();
      throw this.translate(error, call);
    });
    if (isErrorDocument(text)) {
      throw this.translate(Object.assign(refusalIn(text, answer), { isBelated: true }), call);
    }
    return text;
  }

  /** The bytes of an answer. One that breaks off is one more failure that must name its object. */
  async *bodyOf(answer: IncomingMessage, call: Call): AsyncGenerator<Uint8Array> {
    try {
      yield* bodyChunks(answer);
    } catch (error) {
      call.signal.throwIfAborted();
      throw this.translate(error, call);
    }
  }

  translate(error: unknown, { operation, key, prefix }: Call): ArtifactError {
    const { endpoint, credentialSource } = this.#connection.options;
    return translateS3Error(error, {
      operation,
      bucket: this.#bucket,
      key: prefix ?? key,
      endpoint: endpoint ?? `Amazon S3 in ${this.region.name}`,
      region: this.region.name,
      credentialSource,
    });
  }
}

/** Content under TLS is not hashed, for that costs a second reading; all that is short is. */
function payloadHash(method: Call["method"], body: Uint8Array | undefined, isPlain: boolean): string {
  if (body === undefined) return EMPTY_PAYLOAD;
  return isPlain || method !== "PUT" ? sha256(body) : UNSIGNED_PAYLOAD;
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .sort()
    .join("&");
}
