import type { AwsObjectStore } from "./aws-object-store.ts";
import { customerKeyHeaders, newObjectHeaders } from "./encryption-headers.ts";
import { completionOf, isCompletion, uploadIdIn } from "./multipart-documents.ts";
import { bodyFacts, isRangeError } from "./object-answer.ts";
import type {
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
import { UNCLEAR_ANSWER } from "./s3-errors.ts";
import { type Call, S3Requests } from "./s3-requests.ts";
import { toObjectBody } from "./to-object-body.ts";

/** Tidying up must not hold up the end of a container whose store is gone. */
const ABORT_TIMEOUT_MS = 5000;

export interface DirectObjectStoreOptions {
  connection: S3Connection;
  bucket: string;
  encryption: ObjectEncryption;
}

/**
 * An {@link ObjectStore} whose requests for objects – those of which there are thousands, or which every small pod or every
 * large artifact makes – are signed and sent by us; all others are the SDK's, which is loaded when the first of them is due
 * (ADR 0007).
 */
export class DirectObjectStore implements ObjectStore {
  readonly #connection: S3Connection;
  readonly #bucket: string;
  readonly #encryption: ObjectEncryption;
  readonly #requests: S3Requests;
  #sdkStore: Promise<AwsObjectStore> | undefined;

  constructor({ connection, bucket, encryption }: DirectObjectStoreOptions) {
    this.#connection = connection;
    this.#bucket = bucket;
    this.#encryption = encryption;
    this.#requests = new S3Requests(connection, bucket);
  }

  /** What requests are signed for: the location's, or what a refusal has named. */
  get region(): string {
    return this.#requests.region.name;
  }

  /** The bucket's own address, without a slash at its end. */
  get bucketAddress(): URL {
    return this.#requests.address.urlIn(this.region);
  }

  /** Gets credentials, so that the time this takes is not taken for the store's. */
  async authenticate(signal: AbortSignal): Promise<void> {
    if (this.#connection.options.credentials.type === "static") return;
    await (await this.#sdk()).authenticate(signal);
  }

  async get(key: string, { signal, range, ifMatch }: GetOptions): Promise<ObjectBody> {
    const customerKey = await customerKeyHeaders(this.#encryption, key);
    const headers = { ...customerKey, ...(ifMatch !== undefined && { "if-match": ifMatch }) };
    const whole: Call = { operation: "GetObject", method: "GET", key, headers, signal };
    const call = range
      ? { ...whole, headers: { ...headers, range: `bytes=${range.first}-${range.last}` } }
      : whole;
    const answer = await this.#requests.send(call).catch((error: unknown) => {
      // No range of an empty object can be satisfied; without one the answer is what it should be.
      if (range?.first !== 0 || !isRangeError(error)) throw error;
      return this.#requests.send(whole);
    });
    return toObjectBody(bodyFacts(answer), range?.first ?? 0, key, () => this.#requests.bodyOf(answer, call));
  }

  async put(key: string, body: Uint8Array, { signal, onSent, ...facts }: PutOptions): Promise<void> {
    const headers = await this.#newObject(key, facts);
    const answer = await this.#requests.sendContent({
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

  async createUpload(key: string, { signal, ...facts }: PutOptions): Promise<string> {
    const call: Call = {
      operation: "CreateMultipartUpload",
      method: "POST",
      key,
      query: { uploads: "" },
      headers: await this.#newObject(key, facts),
      signal,
    };
    const id = uploadIdIn(await this.#requests.document(call));
    if (id === undefined) throw this.#requests.translate(new Error("the answer names no upload"), call);
    return id;
  }

  async uploadPart(
    key: string,
    uploadId: string,
    { number, body }: { number: number; body: Uint8Array },
    { signal, onSent }: { signal: AbortSignal; onSent?: OnSent },
  ): Promise<UploadedPart> {
    const query = { partNumber: String(number), uploadId };
    const headers = await customerKeyHeaders(this.#encryption, key);
    const answer = await this.#requests.sendContent({
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

  /** An answer that does not say whether the object was made is a transient error: asked again, the store knows. */
  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    const call: Call = {
      operation: "CompleteMultipartUpload",
      method: "POST",
      key,
      query: { uploadId },
      headers: { ...(await customerKeyHeaders(this.#encryption, key)), "content-type": "application/xml" },
      body: Buffer.from(completionOf(parts)),
      signal,
    };
    if (isCompletion(await this.#requests.document(call))) return;
    const unclear = new Error("the answer does not say whether the object was made");
    throw this.#requests.translate(Object.assign(unclear, { name: UNCLEAR_ANSWER }), call);
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS);
    const answer = await this.#requests.send({
      operation: "AbortMultipartUpload",
      method: "DELETE",
      key,
      query: { uploadId },
      signal,
    });
    answer.resume();
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
    const text = await this.#requests.document({
      operation: "ListObjectsV2",
      method: "GET",
      key: "",
      prefix,
      query,
      signal,
    });
    return parseListing(text) ?? (await this.#sdk()).list(prefix, options);
  }

  head: ObjectStore["head"] = async (...args) => (await this.#sdk()).head(...args);
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
          region: this.#requests.region,
        }),
    );
    return this.#sdkStore;
  }

  /** Headers of the request with which an object begins. */
  async #newObject(
    key: string,
    { contentType, metadata = {} }: Pick<PutOptions, "contentType" | "metadata">,
  ): Promise<Record<string, string>> {
    return {
      ...(await newObjectHeaders(this.#encryption, key)),
      "content-type": contentType,
      ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    };
  }
}
