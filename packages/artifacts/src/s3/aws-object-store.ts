import {
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { ArtifactError } from "@skein/contract";
import type { AwsConnection } from "./aws-connection.ts";
import { createBucket } from "./create-bucket.ts";
import { readFields } from "./encryption-headers.ts";
import type {
  BucketRegion,
  ListedObject,
  ObjectEncryption,
  ObjectFacts,
  ObjectStore,
} from "./object-store.ts";
import { decodeListedKey } from "./parse-listing.ts";
import { MAX_REGION_CORRECTIONS, regionNamedBy, translateS3Error } from "./s3-errors.ts";

interface Call {
  /** The API's name, for messages. */
  operation: string;
  key?: string;
  signal: AbortSignal;
}

/**
 * What the SDK does of an {@link ObjectStore}: what is rare, and lists that we cannot read for sure. Follows a bucket to its
 * region; otherwise one call is one request.
 */
export class AwsObjectStore implements Pick<ObjectStore, "head" | "list" | "delete" | "createBucket"> {
  readonly #connection: AwsConnection;
  readonly #bucket: string;
  readonly #encryption: ObjectEncryption;
  /** Shared with our own requests: whoever learns it first spares the other the detour. */
  readonly #region: BucketRegion;

  constructor(options: {
    connection: AwsConnection;
    bucket: string;
    encryption: ObjectEncryption;
    region: BucketRegion;
  }) {
    this.#connection = options.connection;
    this.#bucket = options.bucket;
    this.#encryption = options.encryption;
    this.#region = options.region;
  }

  /** Gets credentials, so that the time this takes is not taken for the store's. */
  async authenticate(signal: AbortSignal): Promise<void> {
    await this.#send({ operation: "GetCredentials", signal }, (client) => client.config.credentials());
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
      EncodingType: "url" as const,
      ...(page !== undefined && { ContinuationToken: page }),
      ...(limit !== undefined && { MaxKeys: limit }),
    };
    const output = await this.#send({ operation: "ListObjectsV2", key: prefix, signal }, async (client) => {
      const answer = await client.send(new ListObjectsV2Command(input), { abortSignal: signal });
      // The SDK reads anything, an empty answer and a proxy's page, too: as a place where there is nothing.
      const { Contents, IsTruncated, KeyCount, Name } = answer;
      if ((Contents ?? IsTruncated ?? KeyCount ?? Name) === undefined) {
        throw new Error("the answer is no list of objects");
      }
      return answer;
    });
    return {
      objects: (output.Contents ?? []).map(({ Key = "", Size = 0 }) => ({
        key: (output.EncodingType === "url" ? decodeListedKey(Key) : undefined) ?? Key,
        sizeBytes: Size,
      })),
      next: output.IsTruncated ? output.NextContinuationToken : undefined,
    };
  }

  async delete(key: string, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#send({ operation: "DeleteObject", key, signal }, (client) =>
      client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }), { abortSignal: signal }),
    );
  }

  /** The bucket's rules; none where it has none. */
  async lifecycleRules({ signal }: { signal: AbortSignal }): Promise<LifecycleRule[]> {
    const input = { Bucket: this.#bucket };
    return this.#send({ operation: "GetBucketLifecycleConfiguration", signal }, async (client) => {
      try {
        const command = new GetBucketLifecycleConfigurationCommand(input);
        return (await client.send(command, { abortSignal: signal })).Rules ?? [];
      } catch (error) {
        if ((error as Error).name === "NoSuchLifecycleConfiguration") return [];
        throw error;
      }
    });
  }

  async createBucket(options: { objectLocking: boolean; signal: AbortSignal }): Promise<void> {
    await this.#send({ operation: "CreateBucket", signal: options.signal }, (client) =>
      createBucket(client, {
        ...options,
        bucket: this.#bucket,
        region: this.#region.name,
        encryption: this.#encryption,
      }),
    );
  }

  async #object(key: string) {
    return { Bucket: this.#bucket, Key: key, ...(await readFields(this.#encryption, key)) };
  }

  async #send<T>(
    call: Call,
    request: (client: S3Client) => Promise<T>,
    corrections = MAX_REGION_CORRECTIONS,
  ): Promise<T> {
    try {
      return await request(this.#connection.client(this.#region.name));
    } catch (error) {
      call.signal.throwIfAborted();
      const named = regionNamedBy(error);
      const isLost = named === undefined || named === this.#region.name || corrections === 0;
      if (isLost) throw this.#translate(error, call);
      this.#region.name = named;
      return this.#send(call, request, corrections - 1);
    }
  }

  #translate(error: unknown, { operation, key }: Call): ArtifactError {
    const { endpoint, credentialSource } = this.#connection.options;
    return translateS3Error(error, {
      operation,
      bucket: this.#bucket,
      key,
      endpoint: endpoint ?? `Amazon S3 in ${this.#region.name}`,
      region: this.#region.name,
      credentialSource,
    });
  }
}
