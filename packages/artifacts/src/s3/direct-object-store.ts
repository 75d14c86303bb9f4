import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ArtifactError } from "@skein/contract";
import type { AwsObjectStore } from "./aws-object-store.ts";
import { bodyChunks } from "./body-chunks.ts";
import { BucketAddress } from "./bucket-address.ts";
import { customerKeyHeaders, newObjectHeaders } from "./encryption-headers.ts";
import { endSending, exchange, readRefusal, readText, type S3Refusal } from "./http-exchange.ts";
import { bodyFacts, isRangeError } from "./object-answer.ts";
import type {
  BucketRegion,
  GetOptions,
  ObjectBody,
  ObjectEncryption,
  ObjectStore,
  OnSent,
  PutOptions,
  UploadedPart,
} from "./object-store.ts";
import { parseListing } from "./parse-listing.ts";
import type { S3Connection } from "./s3-connection.ts";
import { MAX_REGION_CORRECTIONS, regionNamedBy, translateS3Error } from "./s3-errors.ts";
import { EMPTY_PAYLOAD, encodeKey, encodeRfc3986, sha256, UNSIGNED_PAYLOAD } from "./sigv4.ts";
import { toObjectBody } from "./to-object-body.ts";

/** A thousand keys of 1024 bytes, each of them written as an entity. */
const MAX_LISTING_BYTES = 16 * 1024 * 1024;

interface Call {
  /** The API's name, for messages. */
  operation: string;
  method: "GET" | "PUT";
  key: string;
  /** The key for messages, where it is not the one in the path. */
  prefix?: string;
  query?: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
  signal: AbortSignal;
  onSent?: OnSent | undefined;
}

export interface DirectObjectStoreOptions {
  connection: S3Connection;
  bucket: string;
  encryption: ObjectEncryption;
}

/**
 * An {@link ObjectStore} whose requests for objects – those of which there are thousands, or which every small pod makes –
 * are signed and sent by us; all others are the SDK's, which is loaded when the first of them is due (ADR 0007).
 */
export class DirectObjectStore implements ObjectStore {
  readonly #connection: S3Connection;
  readonly #bucket: string;
  readonly #address: BucketAddress;
  readonly #encryption: ObjectEncryption;
  readonly #region: BucketRegion;
  #wantsMd5 = false;
  #sdkStore: Promise<AwsObjectStore> | undefined;

  constructor({ connection, bucket, encryption }: DirectObjectStoreOptions) {
    this.#connection = connection;
    this.#bucket = bucket;
    this.#address = new BucketAddress(connection.options, bucket);
    this.#encryption = encryption;
    this.#region = { name: connection.region };
  }

  /** What requests are signed for: the location's, or what a refusal has named. */
  get region(): string {
    return this.#region.name;
  }

  /** The bucket's own address, without a slash at its end. */
  get bucketAddress(): URL {
    return this.#address.urlIn(this.#region.name);
  }

  /** Gets credentials, so that the time this takes is not taken for the store's. */
  async authenticate(signal: AbortSignal): Promise<void> {
    if (this.#connection.options.credentials.type === "static") return;
    await (await this.#sdk()).authenticate(signal);
  }

  async get(key: string, { signal, range, ifMatch }: GetOptions): Promise<ObjectBody> {
    const call: Call = {
      operation: "GetObject",
      method: "GET",
      key,
      headers: {
        ...(await customerKeyHeaders(this.#encryption, key)),
        ...(range && { range: `bytes=${range.first}-${range.last}` }),
        ...(ifMatch !== undefined && { "if-match": ifMatch }),
      },
      signal,
    };
    const answer = await this.#send(call).catch((error: unknown) => {
      // No range of an empty object can be satisfied; without one the answer is what it should be.
      if (range?.first !== 0 || !isRangeError(error)) throw error;
      const { range: _range, ...headers } = call.headers as Record<string, string>;
      return this.#send({ ...call, headers });
    });
    return toObjectBody(bodyFacts(answer), range?.first ?? 0, key, () =>
      this.#translated(bodyChunks(answer), call),
    );
  }

  async put(
    key: string,
    body: Uint8Array,
    { signal, contentType, metadata = {}, onSent }: PutOptions,
  ): Promise<void> {
    const headers = {
      ...(await newObjectHeaders(this.#encryption, key)),
      "content-type": contentType,
      ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    };
    const answer = await this.#sendBody({
      operation: "PutObject",
      method: "PUT",
      key,
      headers,
      body,
      signal,
      onSent,
    });
    answer.resume();
  }

  async uploadPart(
    key: string,
    uploadId: string,
    { number, body }: { number: number; body: Uint8Array },
    { signal, onSent }: { signal: AbortSignal; onSent?: OnSent },
  ): Promise<UploadedPart> {
    const query = { partNumber: String(number), uploadId };
    const headers = await customerKeyHeaders(this.#encryption, key);
    const answer = await this.#sendBody({
      operation: "UploadPart",
      method: "PUT",
      key,
      query,
      headers,
      body,
      signal,
      onSent,
    });
    answer.resume();
    return { number, etag: answer.headers.etag ?? "" };
  }

  /** What we cannot read for sure is asked for once more, by the SDK. */
  async list(...[prefix, options]: Parameters<ObjectStore["list"]>): ReturnType<ObjectStore["list"]> {
    const { signal, page, limit } = options;
    const query = {
      "list-type": "2",
      "encoding-type": "url",
      prefix,
      ...(page !== undefined && { "continuation-token": page }),
      ...(limit !== undefined && { "max-keys": String(limit) }),
    };
    const call: Call = {
      operation: "ListObjectsV2",
      method: "GET",
      key: "",
      prefix,
      query,
      headers: {},
      signal,
    };
    const answer = await this.#send(call);
    const text = await readText(answer, MAX_LISTING_BYTES).catch((error: unknown) => {
      signal.throwIfAborted();
      throw this.#translate(error, call);
    });
    return parseListing(text) ?? (await this.#sdk()).list(prefix, options);
  }

  head: ObjectStore["head"] = async (...args) => (await this.#sdk()).head(...args);
  createUpload: ObjectStore["createUpload"] = async (...args) => (await this.#sdk()).createUpload(...args);
  completeUpload: ObjectStore["completeUpload"] = async (...args) =>
    (await this.#sdk()).completeUpload(...args);
  abortUpload: ObjectStore["abortUpload"] = async (...args) => (await this.#sdk()).abortUpload(...args);
  delete: ObjectStore["delete"] = async (...args) => (await this.#sdk()).delete(...args);
  createBucket: ObjectStore["createBucket"] = async (...args) => (await this.#sdk()).createBucket(...args);

  lifecycleRules: AwsObjectStore["lifecycleRules"] = async (...args) =>
    (await this.#sdk()).lifecycleRules(...args);

  #sdk(): Promise<AwsObjectStore> {
    this.#sdkStore ??= Promise.all([import("./aws-object-store.ts"), this.#connection.sdk()]).then(
      ([{ AwsObjectStore }, connection]) =>
        new AwsObjectStore({
          connection,
          bucket: this.#bucket,
          encryption: this.#encryption,
          region: this.#region,
        }),
    );
    return this.#sdkStore;
  }

  /** As {@link AwsObjectStore} has it: a digest in a header of its own once a bucket has asked for one. */
  async #sendBody(call: Call & { body: Uint8Array }): Promise<IncomingMessage> {
    const once = (isDigested: boolean): Promise<IncomingMessage> => {
      const digest = isDigested && { "content-md5": createHash("md5").update(call.body).digest("base64") };
      return this.#send({ ...call, headers: { ...call.headers, ...digest } });
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

  /** One request, and once more where a bucket turns out to be in another region. Another may have learnt the same meanwhile. */
  async #send(call: Call): Promise<IncomingMessage> {
    for (let corrections = 0; ; corrections++) {
      const region = this.#region.name;
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
      if (isLost) throw this.#translate(refusal, call);
      this.#region.name = named;
    }
  }

  async #exchange(
    { method, key, query = {}, headers, body, signal, onSent }: Call,
    region: string,
  ): Promise<IncomingMessage> {
    const connection = this.#connection;
    const origin = this.#address.originIn(region);
    const path = `${origin.root}${encodeKey(key)}`;
    const { isPlain } = origin;
    const signed = connection.signer.sign(
      {
        method,
        path,
        query: canonicalQuery(query),
        headers: { ...headers, host: origin.host },
        payloadHash: body === undefined ? EMPTY_PAYLOAD : isPlain ? sha256(body) : UNSIGNED_PAYLOAD,
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

  /** A body that breaks is one more failure that must name its object. */
  async *#translated(body: AsyncIterable<Uint8Array>, call: Call): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      call.signal.throwIfAborted();
      throw this.#translate(error, call);
    }
  }

  #translate(error: unknown, { operation, key, prefix }: Call): ArtifactError {
    const { endpoint, credentialSource } = this.#connection.options;
    return translateS3Error(error, {
      operation,
      bucket: this.#bucket,
      key: prefix ?? key,
      endpoint: endpoint ?? `Amazon S3 in ${this.#region.name}`,
      region: this.#region.name,
      credentialSource,
    });
  }
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .sort()
    .join("&");
}
