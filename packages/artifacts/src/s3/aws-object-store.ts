import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { ArtifactError } from "@skein/contract";
import type { AwsConnection } from "./aws-connection.ts";
import { createBucket } from "./create-bucket.ts";
import { readFields, writeFields } from "./encryption-headers.ts";
import type {
  GetOptions,
  ListedObject,
  ObjectBody,
  ObjectEncryption,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  UploadedPart,
} from "./object-store.ts";
import { regionNamedBy, translateS3Error } from "./s3-errors.ts";

/** Tidying up must not hold up the end of a container whose store is gone. */
const ABORT_TIMEOUT_MS = 5000;

interface Call {
  /** The API's name, for messages. */
  operation: string;
  key?: string;
  signal: AbortSignal;
}

/** An {@link ObjectStore} over the AWS SDK. Follows a bucket to its region; otherwise one call is one request. */
export class AwsObjectStore implements ObjectStore {
  readonly #connection: AwsConnection;
  readonly #bucket: string;
  readonly #encryption: ObjectEncryption;
  #region: string;
  #wantsMd5 = false;

  constructor(options: { connection: AwsConnection; bucket: string; encryption: ObjectEncryption }) {
    this.#connection = options.connection;
    this.#bucket = options.bucket;
    this.#encryption = options.encryption;
    this.#region = options.connection.region;
  }

  /** Gets credentials, so that the time this takes is not taken for the store's. */
  async authenticate(signal: AbortSignal): Promise<void> {
    await this.#send({ operation: "GetCredentials", signal }, (client) => client.config.credentials());
  }

  async get(key: string, { signal, range, ifMatch }: GetOptions): Promise<ObjectBody> {
    const input: GetObjectCommandInput = {
      ...(await this.#object(key)),
      ...(range && { Range: `bytes=${range.first}-${range.last}` }),
      ...(ifMatch !== undefined && { IfMatch: ifMatch }),
    };
    const call = { operation: "GetObject", key, signal };
    const output = await this.#send(call, async (client) => {
      try {
        return await client.send(new GetObjectCommand(input), { abortSignal: signal });
      } catch (error) {
        // No range of an empty object can be satisfied; without one the answer is what it should be.
        if (range?.first !== 0 || !isRangeError(error)) throw error;
        const { Range: _range, ...whole } = input;
        return client.send(new GetObjectCommand(whole), { abortSignal: signal });
      }
    });
    return toObjectBody(output, range?.first ?? 0, key, (body) => this.#translated(body, call));
  }

  async head(key: string, { signal }: { signal: AbortSignal }): Promise<ObjectFacts | undefined> {
    const input = await this.#object(key);
    try {
      const output = await this.#send({ operation: "HeadObject", key, signal }, (client) =>
        client.send(new HeadObjectCommand(input), { abortSignal: signal }),
      );
      return { sizeBytes: output.ContentLength ?? 0, etag: output.ETag };
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "s3.no_such_key") return undefined;
      throw error;
    }
  }

  async list(
    prefix: string,
    { signal, page, limit }: { signal: AbortSignal; page?: string | undefined; limit?: number },
  ): Promise<{ objects: ListedObject[]; next: string | undefined }> {
    const input = {
      Bucket: this.#bucket,
      Prefix: prefix,
      ...(page !== undefined && { ContinuationToken: page }),
      ...(limit !== undefined && { MaxKeys: limit }),
    };
    const output = await this.#send({ operation: "ListObjectsV2", key: prefix, signal }, (client) =>
      client.send(new ListObjectsV2Command(input), { abortSignal: signal }),
    );
    return {
      objects: (output.Contents ?? []).map(({ Key = "", Size = 0 }) => ({ key: Key, sizeBytes: Size })),
      next: output.IsTruncated ? output.NextContinuationToken : undefined,
    };
  }

  async put(key: string, body: Uint8Array, { signal, ...facts }: PutOptions): Promise<void> {
    const object = { ...(await this.#newObject(key, facts)), ContentLength: body.byteLength };
    await this.#sendBody({ operation: "PutObject", key, signal }, body, (client, content) =>
      client.send(new PutObjectCommand({ ...object, ...content }), { abortSignal: signal }),
    );
  }

  async createUpload(key: string, { signal, ...facts }: PutOptions): Promise<string> {
    const input = await this.#newObject(key, facts);
    const output = await this.#send({ operation: "CreateMultipartUpload", key, signal }, (client) =>
      client.send(new CreateMultipartUploadCommand(input), { abortSignal: signal }),
    );
    return output.UploadId ?? "";
  }

  async uploadPart(
    key: string,
    uploadId: string,
    { number, body }: { number: number; body: Uint8Array },
    { signal }: { signal: AbortSignal },
  ): Promise<UploadedPart> {
    const part = { UploadId: uploadId, PartNumber: number, ContentLength: body.byteLength };
    const object = { ...(await this.#object(key)), ...part };
    const output = await this.#sendBody({ operation: "UploadPart", key, signal }, body, (client, content) =>
      client.send(new UploadPartCommand({ ...object, ...content }), { abortSignal: signal }),
    );
    return { number, etag: output.ETag ?? "" };
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    const input = {
      ...(await this.#object(key)),
      UploadId: uploadId,
      MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
    };
    await this.#send({ operation: "CompleteMultipartUpload", key, signal }, (client) =>
      client.send(new CompleteMultipartUploadCommand(input), { abortSignal: signal }),
    );
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    const input = { Bucket: this.#bucket, Key: key, UploadId: uploadId };
    const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS);
    await this.#send({ operation: "AbortMultipartUpload", key, signal }, (client) =>
      client.send(new AbortMultipartUploadCommand(input), { abortSignal: signal }),
    );
  }

  async delete(key: string, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#send({ operation: "DeleteObject", key, signal }, (client) =>
      client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }), { abortSignal: signal }),
    );
  }

  async createBucket(options: { objectLocking: boolean; signal: AbortSignal }): Promise<void> {
    await this.#send({ operation: "CreateBucket", signal: options.signal }, (client) =>
      createBucket(client, {
        ...options,
        bucket: this.#bucket,
        region: this.#region,
        encryption: this.#encryption,
      }),
    );
  }

  async #object(key: string) {
    return { Bucket: this.#bucket, Key: key, ...(await readFields(this.#encryption, key)) };
  }

  async #newObject(key: string, { contentType, metadata }: Omit<PutOptions, "signal">) {
    const encryption = await writeFields(this.#encryption, key);
    return {
      Bucket: this.#bucket,
      Key: key,
      ContentType: contentType,
      ...(metadata && { Metadata: { ...metadata } }),
      ...encryption,
    };
  }

  async #send<T>(call: Call, request: (client: S3Client) => Promise<T>): Promise<T> {
    try {
      return await request(this.#connection.client(this.#region));
    } catch (error) {
      call.signal.throwIfAborted();
      const named = regionNamedBy(error);
      if (named === undefined || named === this.#region) throw this.#translate(error, call);
      this.#region = named;
      return this.#send(call, request);
    }
  }

  /**
   * Buckets with object locking want a digest in a header of its own, others do without: it is added once a bucket
   * has asked for it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
   */
  async #sendBody<T>(
    call: Call,
    body: Uint8Array,
    request: (client: S3Client, content: { Body: Uint8Array; ContentMD5?: string }) => Promise<T>,
  ): Promise<T> {
    const once = (isDigested: boolean): Promise<T> => {
      const digest = isDigested && { ContentMD5: createHash("md5").update(body).digest("base64") };
      return this.#send(call, (client) => request(client, { Body: body, ...digest }));
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

  /** A body that breaks is one more failure that must name its object. */
  async *#translated(body: AsyncIterable<Uint8Array>, call: Call): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      call.signal.throwIfAborted();
      throw this.#translate(error, call);
    }
  }

  #translate(error: unknown, { operation, key }: Call): ArtifactError {
    const { endpoint, credentialSource } = this.#connection.options;
    return translateS3Error(error, {
      operation,
      bucket: this.#bucket,
      key,
      endpoint: endpoint ?? `Amazon S3 in ${this.#region}`,
      region: this.#region,
      credentialSource,
    });
  }
}

function toObjectBody(
  output: GetObjectCommandOutput,
  firstByte: number,
  key: string,
  translated: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): ObjectBody {
  const lengthBytes = output.ContentLength ?? 0;
  const body = output.Body as unknown as AsyncIterable<Uint8Array> & { destroy(): void };
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(output.ContentRange ?? "");
  const isOddRange = output.ContentRange !== undefined && !range;
  if (isOddRange || Number(range?.[1] ?? 0) !== firstByte) {
    body.destroy();
    const said = output.ContentRange ?? "the whole object";
    throw new ArtifactError(`asked for ${key} from byte ${firstByte}, the answer is ${said}`, {
      code: "s3.bad_request",
      remedy: "the store, or a proxy before it, does not honour Range",
    });
  }
  return {
    sizeBytes: range ? Number(range[2]) : lengthBytes,
    lengthBytes,
    etag: output.ETag,
    metadata: output.Metadata ?? {},
    sha256: output.ChecksumType === "COMPOSITE" ? undefined : output.ChecksumSHA256,
    isEtagOpaque: output.ServerSideEncryption === "aws:kms" || output.SSECustomerAlgorithm !== undefined,
    body: translated(body),
  };
}

function isRangeError(error: unknown): boolean {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === "InvalidRange" || $metadata?.httpStatusCode === 416;
}
