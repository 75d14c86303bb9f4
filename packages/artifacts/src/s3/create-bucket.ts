import { CreateBucketCommand, PutBucketEncryptionCommand, type S3Client } from "@aws-sdk/client-s3";
import { bucketDefault } from "./encryption-headers.ts";
import type { ObjectEncryption } from "./object-store.ts";

export interface NewBucket {
  bucket: string;
  region: string;
  objectLocking: boolean;
  encryption: ObjectEncryption;
  signal: AbortSignal;
}

/** Makes a bucket, with the artifact's encryption as its default. One that is already there is left as it is. */
export async function createBucket(client: S3Client, options: NewBucket): Promise<void> {
  const { bucket, region, objectLocking, encryption, signal } = options;
  try {
    await client.send(
      new CreateBucketCommand({
        Bucket: bucket,
        ...(objectLocking && { ObjectLockEnabledForBucket: true }),
        // us-east-1 is the one region that must not be named.
        ...(region !== "us-east-1" && { CreateBucketConfiguration: { LocationConstraint: region as never } }),
      }),
      { abortSignal: signal },
    );
  } catch (error) {
    const { name } = error as Error;
    if (name === "BucketAlreadyExists" || name === "BucketAlreadyOwnedByYou") return;
    throw error;
  }
  const byDefault = bucketDefault(encryption);
  if (!byDefault) return;
  await client.send(
    new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: byDefault }),
    { abortSignal: signal },
  );
}
