/** Told when a connection is there, and whenever some of a request's body has gone; at last with true. */
export type OnSent = (isAll: boolean) => void;

/** How an object is encrypted by the store. */
export type ObjectEncryption =
  | { type: "none" }
  | { type: "aes256" }
  | { type: "kms"; keyId: string; context?: string }
  /** The key is derived anew for each object, see encryption.ts. */
  | { type: "customer"; keyFor: (objectKey: string) => Promise<Uint8Array> };

/** Where a bucket is, as far as is known: a store that answers from another region names it. */
export interface BucketRegion {
  name: string;
}

export interface GetOptions {
  signal: AbortSignal;
  /** First and last byte, both included, as in HTTP. */
  range?: { first: number; last: number };
  /** Only if the object still is the one with this ETag. */
  ifMatch?: string | undefined;
}

export interface ObjectBody {
  /** Of the whole object, whatever part of it was asked for. */
  sizeBytes: number;
  /** Of `body`. */
  lengthBytes: number;
  etag: string | undefined;
  /** The user's metadata, names in lower case without `x-amz-meta-`. */
  metadata: Readonly<Record<string, string>>;
  /** Of the whole object, in base64, when the store says it without being asked. */
  sha256?: string | undefined;
  /** The ETag says nothing of the content: the store has encrypted it with a key that is not its own. */
  isEtagOpaque: boolean;
  /** Must be read to its end or be ended early; otherwise a connection stays taken. */
  body: AsyncIterable<Uint8Array>;
}

export interface ObjectFacts {
  sizeBytes: number;
  etag: string | undefined;
}

export interface ListedObject {
  key: string;
  sizeBytes: number;
}

export interface PutOptions {
  signal: AbortSignal;
  contentType: string;
  /** The user's metadata, names without `x-amz-meta-`. Default: none. */
  metadata?: Readonly<Record<string, string>>;
  onSent?: OnSent;
}

export interface UploadedPart {
  number: number;
  etag: string;
}

/**
 * One bucket of an S3-compatible store: single requests, no retries.
 * Every failure is an `ArtifactError` that names bucket, key and endpoint (s3-errors.ts).
 */
export interface ObjectStore {
  get(key: string, options: GetOptions): Promise<ObjectBody>;
  /** Undefined when there is no such object. */
  head(key: string, options: { signal: AbortSignal }): Promise<ObjectFacts | undefined>;
  /** One page, in the order of the keys' bytes. `next` is the `page` to ask for then. */
  list(
    prefix: string,
    options: { signal: AbortSignal; page?: string | undefined; limit?: number },
  ): Promise<{ objects: ListedObject[]; next: string | undefined }>;
  put(key: string, body: Uint8Array, options: PutOptions): Promise<void>;
  createUpload(key: string, options: PutOptions): Promise<string>;
  uploadPart(
    key: string,
    uploadId: string,
    part: { number: number; body: Uint8Array },
    options: { signal: AbortSignal; onSent?: OnSent },
  ): Promise<UploadedPart>;
  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    options: { signal: AbortSignal },
  ): Promise<void>;
  /** Takes no signal: it runs when the transfer has already been given up. */
  abortUpload(key: string, uploadId: string): Promise<void>;
  delete(key: string, options: { signal: AbortSignal }): Promise<void>;
  createBucket(options: { objectLocking: boolean; signal: AbortSignal }): Promise<void>;
}
