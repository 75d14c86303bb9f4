import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { ArtifactError, type S3Location, type Secret, type SecretKeySelector } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";

/** Used until a store names another one; stores that are not Amazon's mostly take it for their own. */
export const FALLBACK_REGION = "us-east-1";

/** Sockets of one store, kept between requests. */
export interface Agents {
  http: HttpAgent;
  https: HttpsAgent;
}

/** How to reach a store and as whom; the same for every artifact that has the same answers. */
export interface ConnectionOptions {
  /** Undefined for Amazon's own endpoints: the SDK finds the one of the region. */
  endpoint: string | undefined;
  /** Empty when the location names none: it is then learnt from the store's first refusal. */
  region: string;
  forcePathStyle: boolean;
  credentials: ConnectionCredentials;
  /** Replaces the trusted roots (contract §12.1). */
  ca: Secret | undefined;
  /** For messages: where the credentials come from. */
  credentialSource: string;
}

export type ConnectionCredentials =
  | { type: "static"; accessKey: Secret; secretKey: Secret; sessionToken: Secret | undefined }
  | { type: "role"; roleArn: string }
  | { type: "chain" };

/** `s3.amazonaws.com`, `s3.eu-west-1.amazonaws.com`, `s3-eu-west-1.amazonaws.com`, China's too. */
const AMAZON = /^s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?$/;
/** Hosts that serve buckets as host names whatever the location says (contract §12.1). */
const HOST_STYLE = /(^|\.)(amazonaws\.com(\.cn)?|storage\.googleapis\.com|aliyuncs\.com)$/;

/** A text that is the same for two locations exactly when they can share a connection. */
export function connectionKey(at: S3Location): string {
  const {
    key: _key,
    bucket,
    createBucketIfNotPresent: _create,
    encryptionOptions: _encryption,
    ...shared
  } = at;
  return JSON.stringify({ ...shared, pathStyle: forcePathStyle(at, bucket ?? "") });
}

/** Reads the secrets a location names and decides how to connect. */
export async function connectionOptions(
  at: S3Location,
  readSecret: SecretReader,
): Promise<ConnectionOptions> {
  const host = at.endpoint ?? "";
  if (/^[a-z]+:\/\//i.test(host)) {
    throw new ArtifactError(`s3 endpoint "${host}" must be host[:port] without a scheme`, {
      code: "s3.bad_request",
      remedy: "remove the scheme; use `insecure: true` for plain HTTP",
    });
  }
  if (!isHostAndPort(host)) {
    // Not quoted: what stands before an @ is a password.
    throw new ArtifactError("s3 endpoint must be host[:port], without a path, a user or a query", {
      code: "s3.bad_request",
      remedy:
        "give the host alone, an IPv6 address in brackets; the bucket and the key have fields of their own",
    });
  }
  const amazon = AMAZON.exec(host);
  const { credentials, credentialSource } = await chooseCredentials(at, readSecret);
  return {
    endpoint: amazon && !at.insecure ? undefined : `${at.insecure ? "http" : "https"}://${host}`,
    region: at.region || amazon?.[1] || "",
    forcePathStyle: forcePathStyle(at, at.bucket ?? ""),
    credentials,
    credentialSource,
    ca: at.insecure ? undefined : await optional(at.caSecret, readSecret),
  };
}

/** A slash at the end is forgiven. Of anything else behind the host, half of the requests would know nothing. */
function isHostAndPort(endpoint: string): boolean {
  return URL.canParse(`http://${endpoint}`) && !/[/?#@\\]/.test(endpoint.replace(/\/$/, ""));
}

function forcePathStyle(at: S3Location, bucket: string): boolean {
  if (at.addressingStyle === "path") return true;
  if (at.addressingStyle === "virtual-hosted") return false;
  const host = (at.endpoint ?? "").replace(/:\d+$/, "");
  // A wildcard certificate covers one label: a bucket with a dot would fail the check.
  const dotted = !at.insecure && bucket.includes(".");
  return dotted || !HOST_STYLE.test(host);
}

/** First match of: static keys, role, the SDK's chain (contract §12.1). The chain covers what minio's IAM provider does. */
async function chooseCredentials(
  at: S3Location,
  readSecret: SecretReader,
): Promise<Pick<ConnectionOptions, "credentials" | "credentialSource">> {
  const accessKey = await optional(at.accessKeySecret, readSecret);
  const secretKey = await optional(at.secretKeySecret, readSecret);
  if (accessKey && !accessKey.isEmpty && secretKey && !secretKey.isEmpty) {
    return {
      credentials: {
        type: "static",
        accessKey,
        secretKey,
        sessionToken: await optional(at.sessionTokenSecret, readSecret),
      },
      credentialSource: `static keys of secret "${at.accessKeySecret?.name}"`,
    };
  }
  if (at.roleARN) {
    return {
      credentials: { type: "role", roleArn: at.roleARN },
      credentialSource: `role ${at.roleARN}, assumed with the pod's own credentials`,
    };
  }
  return {
    credentials: { type: "chain" },
    credentialSource: "the pod's own credentials (environment, web identity, pod identity, instance)",
  };
}

/** A selector without a name counts as absent (contract §5.6). */
async function optional(
  selector: SecretKeySelector | undefined,
  readSecret: SecretReader,
): Promise<Secret | undefined> {
  return selector?.name ? readSecret(selector) : undefined;
}
