import { ArtifactError, type ErrorCode, errorMessage } from "@skein/contract";
import { translateNetworkError } from "../node-errors.ts";

/** What was being done when the store refused. */
export interface S3Attempt {
  /** The API's name: `GetObject`. */
  operation: string;
  bucket: string;
  key?: string | undefined;
  endpoint: string;
  region: string;
  credentialSource: string;
}

interface Meaning {
  code: ErrorCode;
  transient?: boolean;
  remedy?: string;
}

/** The fields of an SDK error that are of use; any of them may be missing. */
interface SdkError {
  name?: string;
  message?: string;
  Region?: string;
  $metadata?: { httpStatusCode?: number };
  $response?: { statusCode?: number; headers?: Record<string, string> };
  isBelated?: boolean;
}

const THROTTLED = new Set([
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "TooManyRequests",
  "BandwidthLimitExceeded",
]);
const BAD_CREDENTIALS = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "ExpiredToken",
  "InvalidToken",
  "InvalidSecurity",
  "TokenRefreshRequired",
  // versitygw's word for an access key that it does not know.
  "XAdminUserNotFound",
]);
const WRONG_REGION = new Set([
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "Redirect",
]);
/** Name of our own for an answer that is not the store's, or not all of it, to a request that may have done its work. */
export const UNCLEAR_ANSWER = "UnclearAnswer";
/** Answers that say "later": contract §21.2. */
const LATER = new Set([
  "RequestTimeout",
  "RequestError",
  "InternalError",
  "ServiceUnavailable",
  UNCLEAR_ANSWER,
]);
/**
 * Of an error under status 200 only the name tells whether there is any use in asking again. Stores have names of their own for
 * "later" (`SlowDownWrite`, `XMinioServerNotInitialized`); the SDK takes all for it. Never is what the parts themselves are reason for.
 */
const NEVER = new Set([
  "EntityTooLarge",
  "EntityTooSmall",
  "InvalidArgument",
  "InvalidPart",
  "InvalidPartOrder",
  "InvalidRequest",
  "MalformedXML",
  "NotImplemented",
]);

const PUT_FILE = (): string => "failed to put file: ";
/** Before our own text, upstream's (contract §12.1): alerts and runbooks look for it. */
const UPSTREAM_WORDS: Readonly<Record<string, (bucket: string) => string>> = {
  GetObject: () => "failed to get file: ",
  HeadObject: () => "failed to get file: ",
  ListObjectsV2: () => "failed to get directory: ",
  PutObject: PUT_FILE,
  CreateMultipartUpload: PUT_FILE,
  UploadPart: PUT_FILE,
  CompleteMultipartUpload: PUT_FILE,
  CreateBucket: (bucket) => `failed to create bucket ${bucket}: `,
};

/** Makes an error that names the object, the endpoint and what to change. Never contains a credential. */
export function translateS3Error(error: unknown, attempt: S3Attempt): ArtifactError {
  if (error instanceof ArtifactError) return error;
  const upstreamWords = UPSTREAM_WORDS[attempt.operation]?.(attempt.bucket) ?? "";
  const { operation, endpoint, region, credentialSource } = attempt;
  const doing = `${upstreamWords}${operation} ${objectUrl(attempt)} at ${endpoint} (region ${region}, ${credentialSource})`;
  const network = translateNetworkError(error, doing);
  if (network) return network;
  const sdk = error as SdkError;
  const status = statusOf(sdk);
  const meaning = meaningOf(sdk, status, attempt);
  const said = [status > 0 ? String(status) : "", sdk.name ?? ""].filter(Boolean).join(" ");
  return new ArtifactError(`${doing} failed: ${errorMessage(error) || "no reason given"} (${said})`, {
    ...meaning,
    cause: error,
  });
}

/** A store and a proxy before it may each name the other's region. */
export const MAX_REGION_CORRECTIONS = 2;

/** The region a refusal names, when the request went to the wrong one. */
export function regionNamedBy(error: unknown): string | undefined {
  const sdk = error as SdkError;
  const header = sdk.$response?.headers?.["x-amz-bucket-region"];
  const isRedirect = WRONG_REGION.has(sdk.name ?? "") || statusOf(sdk) === 301;
  if (!isRedirect) return undefined;
  // Amazon's words, which other stores repeat: `the region 'us-east-1' is wrong; expecting 'eu-west-1'`.
  const said = /expecting ['"]([a-z0-9-]+)['"]/.exec(sdk.message ?? "")?.[1];
  return header || sdk.Region || said;
}

/** `s3://bucket/key`. */
export function objectUrl(at: { bucket: string; key?: string | undefined }): string {
  return `s3://${at.bucket}${at.key === undefined ? "" : `/${at.key}`}`;
}

function statusOf(error: SdkError): number {
  return error.$metadata?.httpStatusCode ?? error.$response?.statusCode ?? 0;
}

function meaningOf(error: SdkError, status: number, attempt: S3Attempt): Meaning {
  const name = error.name ?? "";
  if (name === "NoSuchBucket") {
    return {
      code: "s3.no_such_bucket",
      remedy: `create the bucket "${attempt.bucket}", or set createBucketIfNotPresent`,
    };
  }
  if (name === "NoSuchUpload")
    return { code: "s3.bad_request", remedy: "the multipart upload was removed meanwhile" };
  // The answer to a HEAD has no body to say more; to a GET, a 404 without the store's own word is a proxy's.
  const isHead = attempt.operation.startsWith("Head");
  if (name === "NoSuchKey" || (isHead && status === 404)) {
    return { code: "s3.no_such_key", remedy: "check the key, and whether the step that saves it has run" };
  }
  if (THROTTLED.has(name) || status === 429) {
    return {
      code: "s3.slow_down",
      transient: true,
      remedy: "lower SKEIN_TRANSFER_REQUESTS, or let fewer pods use the bucket at a time",
    };
  }
  if (name === "RequestTimeTooSkewed") {
    // The SDK takes the server's clock from this answer; the next request is signed with it.
    return { code: "s3.invalid_credentials", transient: true, remedy: "set the node's clock" };
  }
  if (BAD_CREDENTIALS.has(name)) {
    return { code: "s3.invalid_credentials", remedy: `check ${attempt.credentialSource}` };
  }
  if (isMissingCredentials(error)) {
    return { code: "s3.no_credentials", remedy: `found none in ${attempt.credentialSource}` };
  }
  if (WRONG_REGION.has(name) || status === 301) {
    return {
      code: "s3.wrong_region",
      remedy: `set region: ${regionNamedBy(error) ?? "to the bucket's own"}`,
    };
  }
  if (name === "AccessDenied" || status === 401 || status === 403) {
    return { code: "s3.access_denied", remedy: accessRemedy(attempt) };
  }
  if (status === 412) {
    return { code: "s3.changed_while_reading", remedy: "the object was replaced while it was read" };
  }
  if (status >= 500 || LATER.has(name) || (error.isBelated && !NEVER.has(name))) {
    return { code: "s3.server_error", transient: true, remedy: "the store is in trouble: see its own logs" };
  }
  if (status === 404) {
    // Not "there is no such object": an optional artifact must not be skipped because a proxy answered.
    return {
      code: "s3.bad_request",
      remedy: `check the endpoint ${attempt.endpoint}: no S3 store answers like this`,
    };
  }
  return { code: "s3.bad_request", remedy: "compare the artifact's s3 fields with what the store supports" };
}

function isMissingCredentials(error: SdkError): boolean {
  return error.name === "CredentialsProviderError" || /could not load credentials/i.test(error.message ?? "");
}

/** IAM names of actions that differ from the API's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: "s3:GetObject",
  ListObjectsV2: "s3:ListBucket",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  PutBucketEncryption: "s3:PutEncryptionConfiguration",
  GetBucketLifecycleConfiguration: "s3:GetLifecycleConfiguration",
};

function accessRemedy(attempt: S3Attempt): string {
  const action = ACTIONS[attempt.operation] ?? `s3:${attempt.operation}`;
  const who = `allow ${action} on ${objectUrl(attempt)} to ${attempt.credentialSource}`;
  return action === "s3:GetObject"
    ? `${who}; without s3:ListBucket a missing key is answered the same way`
    : who;
}
