import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodRequest } from "../support/pods/pod-request.ts";
import { sh } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

interface Seen {
  method: string;
  url: string;
  headers: Headers;
}

/** A pod that saves one file, and what its store was asked. */
const asks = (
  statement: string,
  location: object,
  look: (puts: readonly Seen[]) => void,
  more: { pitfall?: number; path?: string; key?: string; secrets?: Record<string, string> } = {},
): ConformanceCase => {
  const seen = new WeakMap<Cluster, Seen[]>();
  const { path = "/tmp/o", key = `asks/${statement.length}`, secrets = {} } = more;
  return {
    section: "12.1",
    statement,
    ...(more.pitfall === undefined ? {} : { pitfall: more.pitfall }),
    pod: async (cluster): Promise<PodRequest> => {
      const requests: Seen[] = [];
      seen.set(cluster, requests);
      // It answers itself: the store behind it does not know every header.
      const proxy = await cluster.faultyS3(({ method, url, headers }) => {
        requests.push({ method, url, headers });
        return method === "PUT" || url.includes("uploads") || url.includes("location")
          ? { type: "answer", status: 200, headers: { etag: '"x"' } }
          : undefined;
      });
      const { s3 } = cluster.repository(key);
      return {
        template: {
          container: {},
          outputs: { artifacts: [{ name: "o", path, archive: { none: {} } }] },
          archiveLocation: { s3: { ...s3, endpoint: proxy.endpoint, ...location } },
        },
        argv: sh(`echo x >${path}`),
        secrets: {
          "cred/accesskey": cluster.s3.accessKey,
          "cred/secretkey": cluster.s3.secretKey,
          ...secrets,
        },
      };
    },
    check: (_end, cluster) => {
      const puts = (seen.get(cluster) ?? []).filter(({ method }) => method === "PUT");
      expect(puts.length, "something was saved").toBeGreaterThan(0);
      look(puts);
    },
  };
};

const CONTEXT = "x-amz-server-side-encryption-context";
const SSE = "x-amz-server-side-encryption";
const KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id";

const requests: ConformanceCase[] = [
  asks(
    "a key for KMS is named, and its context is base64 of the JSON, once",
    {
      encryptionOptions: { enableEncryption: true, kmsKeyId: "the-key", kmsEncryptionContext: '{"a": "b"}' },
    },
    ([put]) => {
      expect(put?.headers).toMatchObject({ [SSE]: "aws:kms", [KMS_KEY]: "the-key" });
      expect(Buffer.from(String(put?.headers[CONTEXT]), "base64").toString()).toBe('{"a":"b"}');
    },
    { pitfall: 17 },
  ),
  asks(
    "encryption that names no key is the store's own",
    { encryptionOptions: { enableEncryption: true } },
    ([put]) => expect(put?.headers).toMatchObject({ [SSE]: "AES256" }),
  ),
  asks(
    "a key for KMS without enableEncryption encrypts nothing",
    { encryptionOptions: { kmsKeyId: "the-key" } },
    ([put]) => expect(Object.keys(put?.headers ?? {}).filter((name) => name.startsWith(SSE))).toEqual([]),
  ),
  asks(
    "a file's type is that of its name",
    {},
    ([put]) => expect(put?.headers["content-type"]).toBe("application/json"),
    { path: "/tmp/o.json" },
  ),
  asks("a file whose name says nothing is a stream of bytes", {}, ([put]) =>
    expect(put?.headers["content-type"]).toBe("application/octet-stream"),
  ),
  asks("the region is signed as the template names it", { region: "eu-central-1" }, ([put]) =>
    expect(put?.headers.authorization).toMatch(/\/eu-central-1\/s3\/aws4_request/),
  ),
  asks(
    "a session's token from a secret goes with its keys",
    { sessionTokenSecret: { name: "cred", key: "token" } },
    ([put]) => expect(put?.headers["x-amz-security-token"]).toBe("canary-session-token"),
    { secrets: { "cred/token": "canary-session-token" } },
  ),
  asks("addressing by path has the bucket in the path", { addressingStyle: "path" }, ([put]) =>
    expect(put?.url).toMatch(/^\/[^/?]+\/asks\//),
  ),
  asks(
    "a key with two slashes and blanks is joined and encoded once",
    {},
    ([put]) => expect(put?.url.split("?")[0]).toMatch(/\/a%20b\/c%2Bd\/o$/),
    { key: "a b//c+d/" },
  ),
];

const refused: ConformanceCase[] = [
  {
    section: "12.1",
    statement: "a customer's own key without TLS is refused with upstream's words",
    pod: (cluster) => {
      const { s3 } = cluster.repository("sse-c");
      return {
        template: {
          container: {},
          outputs: { artifacts: [{ name: "o", path: "/tmp/o" }] },
          archiveLocation: {
            s3: {
              ...s3,
              encryptionOptions: {
                enableEncryption: true,
                serverSideCustomerKeySecret: { name: "cred", key: "customer" },
              },
            },
          },
        },
        argv: sh("echo x >/tmp/o"),
        secrets: {
          "cred/accesskey": cluster.s3.accessKey,
          "cred/secretkey": cluster.s3.secretKey,
          "cred/customer": "canary-customer-key",
        },
      };
    },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /secure must be set if EncryptOpts\.SSECPassword is set/ },
    },
  },
  {
    section: "12.1",
    statement: "a context for KMS that is no JSON is refused",
    pod: (cluster) => {
      const { s3 } = cluster.repository("bad-context");
      const encryptionOptions = { enableEncryption: true, kmsKeyId: "k", kmsEncryptionContext: "{a" };
      return {
        template: {
          container: {},
          outputs: { artifacts: [{ name: "o", path: "/tmp/o" }] },
          archiveLocation: { s3: { ...s3, encryptionOptions } },
        },
        argv: sh("echo x >/tmp/o"),
      };
    },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /kmsEncryptionContext/ } },
  },
];

conformance("what S3 is asked", [...requests, ...refused]);
