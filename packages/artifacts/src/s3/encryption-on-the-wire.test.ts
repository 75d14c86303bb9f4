import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { S3Location } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../../../test/support/loopback-certificate.ts";
import { observedTransfer, s3Location, secretsOf } from "../test-support.ts";
import { createS3Connector } from "./connect.ts";
import { createS3Driver } from "./s3-driver.ts";

const MIB = 1024 * 1024;
const SECRETS = {
  "s3/access": "access",
  "s3/secret": "secret",
  "s3/ca": LOOPBACK_CERTIFICATE,
  "sse/key": "correct horse",
};
const CUSTOMER = { enableEncryption: true, serverSideCustomerKeySecret: { name: "sse", key: "key" } };
const OPTIONS = {
  rangeBytes: MIB,
  maxStreams: 2,
  stallTimeoutMs: 10_000,
  partBytes: 5 * MIB,
  partsInFlight: 2,
};

interface Request {
  /** `PUT part`, `POST create`, … */
  what: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Keeps what it was asked, over TLS: no server of the tests encrypts with a customer's key or has a KMS. */
async function startStore(
  isBucketMissing = false,
): Promise<AsyncDisposable & { endpoint: string; seen: Request[] }> {
  const seen: Request[] = [];
  let isMissing = isBucketMissing;
  const options = { cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_KEY };
  const server = createServer(options, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = "", headers } = request;
    const url = new URL(request.url ?? "", "https://store");
    const what = nameOf(method, url);
    seen.push({ what, headers, body: what.endsWith("part") ? "" : Buffer.concat(chunks).toString() });
    if (what === "PUT bucket") isMissing = false;
    if (isMissing) {
      response.writeHead(404).end("<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>");
      return;
    }
    response.setHeader("etag", '"opaque"');
    if (what === "POST create") response.end(CREATED);
    else if (what === "POST complete") response.end(COMPLETED);
    else if (what === "GET object") response.writeHead(206, RANGE).end("text");
    else if (what === "HEAD object") response.writeHead(200, { "content-length": "4" }).end();
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const CREATED = "<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>";
const COMPLETED = "<CompleteMultipartUploadResult><ETag>etag</ETag></CompleteMultipartUploadResult>";
const RANGE = { "content-range": "bytes 0-3/4", "content-length": "4" };

function nameOf(method: string, { pathname, searchParams }: URL): string {
  if (searchParams.has("uploads")) return `${method} create`;
  if (searchParams.has("partNumber")) return `${method} part`;
  if (searchParams.has("uploadId")) return `${method} complete`;
  if (searchParams.has("encryption")) return `${method} encryption`;
  return `${method} ${pathname.split("/").filter(Boolean).length > 1 ? "object" : "bucket"}`;
}

/** Saves 12 bytes and then 6 MiB in parts, loads and looks, through the driver. */
async function useStore(endpoint: string, more: Partial<S3Location>): Promise<void> {
  const at = s3Location({ endpoint, bucket: "artifacts" }, "wf/pod/out.tgz", {
    insecure: false,
    caSecret: { name: "s3", key: "ca" },
    region: "eu-west-1",
    ...more,
  });
  const connector = createS3Connector(secretsOf(SECRETS), {
    maxSockets: 4,
    idleTimeoutMs: 60_000,
    proxyEnv: {},
  });
  try {
    const { transfer } = observedTransfer();
    const connect = () => connector.connect(at, transfer);
    const driver = createS3Driver(at, { ...OPTIONS, connect });
    await driver.saveStream?.({ fileName: "a", sizeBytes: 12, open: () => bytes(12) }, transfer);
    await driver.saveStream?.({ fileName: "a", open: () => bytes(6 * MIB) }, transfer);
    const content = await driver.open(transfer);
    if (content.kind === "stream") for await (const _chunk of content.stream);
    await driver.stat?.(transfer);
  } finally {
    await connector.close();
  }
}

async function* bytes(count: number): AsyncGenerator<Uint8Array> {
  for (let left = count; left > 0; left -= MIB) yield new Uint8Array(Math.min(left, MIB));
}

/** Headers of encryption, by request; each kind of request once. */
function encryptionOf(seen: readonly Request[]): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    seen.map(({ what, headers }) => [
      what,
      Object.fromEntries(
        Object.entries(headers)
          .filter(([name]) => name.startsWith("x-amz-server-side-encryption"))
          .map(([name, value]) => [name.slice("x-amz-server-side-encryption".length), value]),
      ),
    ]),
  );
}

describe("what a store is told of encryption", () => {
  it("is AES256 when an object begins, and nothing afterwards (SSE-S3)", async () => {
    await using store = await startStore();
    await useStore(store.endpoint, { encryptionOptions: { enableEncryption: true } });
    expect(encryptionOf(store.seen)).toEqual({
      "PUT object": { "": "AES256" },
      "POST create": { "": "AES256" },
      "PUT part": {},
      "POST complete": {},
      "GET object": {},
      "HEAD object": {},
    });
  });

  it("is the key and the context, encoded once, when an object begins (SSE-KMS)", async () => {
    await using store = await startStore();
    const encryptionOptions = {
      enableEncryption: true,
      kmsKeyId: "key-1",
      kmsEncryptionContext: '{ "a": "b" }',
    };
    await useStore(store.endpoint, { encryptionOptions });
    const begun = { "": "aws:kms", "-aws-kms-key-id": "key-1", "-context": "eyJhIjoiYiJ9" };
    expect(encryptionOf(store.seen)).toEqual({
      "PUT object": begun,
      "POST create": begun,
      "PUT part": {},
      "POST complete": {},
      "GET object": {},
      "HEAD object": {},
    });
  });

  it("is the customer's key and its MD5 with every request that carries or describes bytes (SSE-C)", async () => {
    await using store = await startStore();
    await useStore(store.endpoint, { encryptionOptions: CUSTOMER });
    const sent = encryptionOf(store.seen);
    for (const what of ["PUT object", "POST create", "PUT part", "GET object", "HEAD object"]) {
      const key = Buffer.from(String(sent[what]?.["-customer-key"]), "base64");
      expect(key, what).toHaveLength(32);
      expect(sent[what], what).toEqual({
        "-customer-algorithm": "AES256",
        "-customer-key": key.toString("base64"),
        "-customer-key-md5": createHash("md5").update(key).digest("base64"),
      });
    }
  });
});

describe("a bucket that is made because it is missing", () => {
  it.each([
    [{ objectLocking: true }, "true"],
    [{ objectLocking: false }, undefined],
    [{}, undefined],
  ])("has object locking as %j says", async (createBucketIfNotPresent, expected) => {
    await using store = await startStore(true);
    await useStore(store.endpoint, { createBucketIfNotPresent });
    const made = store.seen.filter(({ what }) => what === "PUT bucket");
    expect(made).toHaveLength(1);
    expect(made[0]?.headers["x-amz-bucket-object-lock-enabled"]).toBe(expected);
    expect(made[0]?.body).toContain("<LocationConstraint>eu-west-1</LocationConstraint>");
    expect(store.seen.filter(({ what }) => what === "PUT encryption")).toEqual([]);
  });

  it("has no place named in us-east-1, where none may be", async () => {
    await using store = await startStore(true);
    await useStore(store.endpoint, { createBucketIfNotPresent: {}, region: "us-east-1" });
    expect(store.seen.find(({ what }) => what === "PUT bucket")?.body).not.toContain("LocationConstraint");
  });

  it("encrypts by default as the artifact does", async () => {
    await using store = await startStore(true);
    const encryptionOptions = { enableEncryption: true, kmsKeyId: "key-1" };
    await useStore(store.endpoint, { createBucketIfNotPresent: {}, encryptionOptions });
    const [byDefault] = store.seen.filter(({ what }) => what === "PUT encryption");
    expect(byDefault?.body).toContain("<SSEAlgorithm>aws:kms</SSEAlgorithm>");
    expect(byDefault?.body).toContain("<KMSMasterKeyID>key-1</KMSMasterKeyID>");
  });
});
