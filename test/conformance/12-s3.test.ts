import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { sh } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const QUICK = { EXECUTOR_RETRY_BACKOFF_DURATION: "10ms", SKEIN_RETRY_BUDGET_SECONDS: "1" };

/** A pod that loads `a` from the cluster's store; `more` changes the location. */
const loadsS3 = (
  cluster: Cluster,
  key: string,
  more: object = {},
  artifact: object = { archive: { none: {} } },
): PodRequest => ({
  template: {
    container: {},
    inputs: {
      artifacts: [{ name: "a", path: "/tmp/a", ...artifact, s3: { ...cluster.repository(key).s3, ...more } }],
    },
  },
  absent: ["wait", "main"],
  env: QUICK,
});

const savesS3 = (cluster: Cluster, key: string, script: string, more: object = {}): PodRequest => ({
  template: {
    container: {},
    outputs: { artifacts: [{ name: "o", path: "/tmp/o", archive: { none: {} } }] },
    archiveLocation: { s3: { ...cluster.repository(key).s3, ...more } },
  },
  argv: sh(script),
  env: QUICK,
});

const textOf = (end: PodEnd, path = ""): string => readFileSync(join(end.input("a"), path), "utf8");
const fails = (message: RegExp, container = "init") => ({
  exitCodes: { [container]: 64 },
  messages: { [container]: message },
});

const objects: ConformanceCase[] = [
  {
    section: "12.1",
    statement: "an object becomes a file with its bytes",
    pod: (cluster) => {
      cluster.putObject("load/one", Buffer.from([0, 255, 10, 13]));
      return loadsS3(cluster, "load/one");
    },
    check: (end) => expect(readFileSync(end.input("a"))).toEqual(Buffer.from([0, 255, 10, 13])),
  },
  {
    section: "12.1",
    statement: "an object of several ranges arrives whole",
    pod: (cluster) => {
      cluster.putObject("load/ranges", Buffer.alloc(5_000_001, "0123456789"));
      const request = loadsS3(cluster, "load/ranges");
      return { ...request, env: { ...QUICK, SKEIN_S3_RANGE_MIB: "1" } };
    },
    check: (end) =>
      expect(readFileSync(end.input("a")).equals(Buffer.alloc(5_000_001, "0123456789"))).toBe(true),
  },
  {
    section: "12.1",
    statement: "an empty object becomes an empty file",
    pod: (cluster) => {
      cluster.putObject("load/empty", "");
      return loadsS3(cluster, "load/empty");
    },
    check: (end) => expect(textOf(end)).toBe(""),
  },
  {
    section: "12.1",
    statement: "a key may have blanks, pluses, percent signs and letters of any script",
    pod: (cluster) => {
      cluster.putObject("load/a b+c%20d/žluť 火", "odd");
      return loadsS3(cluster, "load/a b+c%20d/žluť 火");
    },
    check: (end) => expect(textOf(end)).toBe("odd"),
  },
  {
    section: "12.1",
    statement: "a key that is no object but has objects below it becomes a directory",
    pod: (cluster) => {
      cluster.putObject("tree/x", "1");
      cluster.putObject("tree/deep/er/y", "2");
      return loadsS3(cluster, "tree");
    },
    check: (end) => expect([textOf(end, "x"), textOf(end, "deep/er/y")]).toEqual(["1", "2"]),
  },
  {
    section: "12.1",
    statement: "a directory takes no object whose key only begins alike",
    pod: (cluster) => {
      cluster.putObject("alike/x", "1");
      cluster.putObject("alike-not/x", "2");
      return loadsS3(cluster, "alike");
    },
    check: (end) => expect(readdirSync(end.input("a"))).toEqual(["x"]),
  },
  {
    section: "12.1",
    statement: "a key with a slash at its end is a directory, even when an object of that name is beside it",
    pod: (cluster) => {
      cluster.putObject("both/x", "below");
      return loadsS3(cluster, "both/");
    },
    check: (end) => expect(textOf(end, "x")).toBe("below"),
  },
  {
    section: "12.1",
    statement: "directories and files that are loaded can be used by everybody",
    pitfall: 14,
    pod: (cluster) => {
      cluster.putObject("modes/d/x", "1");
      return loadsS3(cluster, "modes");
    },
    check: (end) => {
      expect(statSync(join(end.input("a"), "d")).mode & 0o777).toBe(0o777);
      expect(statSync(join(end.input("a"), "d/x")).mode & 0o777).toBe(0o666);
    },
  },
  {
    section: "12.1",
    statement: "a key without an object and with nothing below fails with S3's words, its bucket and its key",
    pod: (cluster) => loadsS3(cluster, "no/such"),
    expect: fails(/^artifact a failed to load: .*s3:\/\/\w+\/no\/such .*The specified key does not exist/),
  },
  {
    section: "12.1",
    statement: "a bucket that does not exist fails by name, and the log says what to do",
    pod: (cluster) => loadsS3(cluster, "k", { bucket: "no-such-bucket" }),
    expect: {
      ...fails(/^artifact a failed to load: .*no-such-bucket/),
      logs: { init: [/create the bucket/] },
    },
  },
  {
    section: "12.1",
    statement: "an optional artifact of a bucket that does not exist is an error all the same",
    pod: (cluster) =>
      loadsS3(cluster, "k", { bucket: "no-such-bucket" }, { optional: true, archive: { none: {} } }),
    expect: fails(/^artifact a failed to load: .*no-such-bucket/),
  },
  {
    section: "12.1",
    statement: "keys that the store does not accept fail with the credentials' source",
    pod: (cluster) => ({
      ...loadsS3(cluster, "k"),
      secrets: { "cred/accesskey": cluster.s3.accessKey, "cred/secretkey": "canary-wrong-secret-key" },
    }),
    expect: {
      ...fails(/^artifact a failed to load: failed to get file: GetObject s3:\/\//),
      logs: { init: [/secret \\"cred\\"/] },
    },
  },
  {
    section: "12.1",
    statement: "a store that is not there fails with its address, once the retries are used up",
    pod: (cluster) => loadsS3(cluster, "k", { endpoint: "127.0.0.1:1" }),
    expect: fails(/^artifact a failed to load: .*127\.0\.0\.1:1.*ECONNREFUSED.*gave up after \d+ attempts/),
  },
  {
    section: "12.1",
    statement: "with EXECUTOR_RETRY_BACKOFF_STEPS 1 nothing is retried",
    pod: (cluster) => ({
      ...loadsS3(cluster, "k", { endpoint: "127.0.0.1:1" }),
      env: { EXECUTOR_RETRY_BACKOFF_STEPS: "1" },
    }),
    expect: fails(/ECONNREFUSED.*not retried/),
  },
  {
    section: "12.1",
    statement:
      "credentials come from the environment's chain where the template names none and says useSDKCreds",
    pod: (cluster) => {
      cluster.putObject("chain", "found");
      const { endpoint, bucket, insecure } = cluster.repository("chain").s3;
      return {
        template: {
          container: {},
          inputs: {
            artifacts: [
              {
                name: "a",
                path: "/tmp/a",
                archive: { none: {} },
                s3: { endpoint, bucket, insecure, useSDKCreds: true, region: "us-east-1", key: "chain" },
              },
            ],
          },
        },
        absent: ["wait", "main"],
        env: {
          ...QUICK,
          AWS_ACCESS_KEY_ID: cluster.s3.accessKey,
          AWS_SECRET_ACCESS_KEY: cluster.s3.secretKey,
        },
      };
    },
    check: (end) => expect(textOf(end)).toBe("found"),
  },
];

const saves: ConformanceCase[] = [
  {
    section: "12.1",
    statement: "a file becomes an object with its bytes",
    pod: (cluster) => savesS3(cluster, "save/one", "printf '\\000\\377' >/tmp/o"),
    expect: { objects: { "save/one/o": Buffer.from([0, 255]) } },
  },
  {
    section: "12.1",
    statement: "a file of several parts arrives whole",
    pod: (cluster) => ({
      ...savesS3(cluster, "save/parts", "head -c 12000001 /dev/zero | tr '\\0' x >/tmp/o"),
      env: { ...QUICK, ARTIFACT_S3_UPLOAD_PART_SIZE_MIB: "5", ARTIFACT_S3_UPLOAD_THREADS: "2" },
    }),
    check: (_end, cluster) =>
      expect(cluster.object("save/parts/o")?.equals(Buffer.alloc(12_000_001, "x"))).toBe(true),
  },
  {
    section: "12.1",
    statement: "an empty file becomes an empty object",
    pod: (cluster) => savesS3(cluster, "save/empty", ": >/tmp/o"),
    expect: { objects: { "save/empty/o": "" } },
  },
  {
    section: "12.1",
    statement: "a directory becomes an object for each of its files, below the key",
    pod: (cluster) =>
      savesS3(cluster, "save/tree", "mkdir -p /tmp/o/d; echo 1 >/tmp/o/x; echo 2 >/tmp/o/d/y"),
    expect: { objects: { "save/tree/o/x": "1\n", "save/tree/o/d/y": "2\n" } },
    check: ({ result }) =>
      expect(result?.outputs?.artifacts).toEqual([
        { name: "o", path: "/tmp/o", archive: { none: {} }, s3: { key: "save/tree/o" } },
      ]),
  },
  {
    section: "12.1",
    statement: "symbolic links in a directory are passed over",
    pod: (cluster) => savesS3(cluster, "save/links", "mkdir /tmp/o; echo 1 >/tmp/o/x; ln -s x /tmp/o/l"),
    expect: { objects: { "save/links/o/x": "1\n", "save/links/o/l": null } },
  },
  {
    section: "12.1",
    statement: "a bucket that is missing and wanted is made",
    pod: (cluster) =>
      savesS3(cluster, "k", "echo new >/tmp/o", { bucket: "made-here", createBucketIfNotPresent: {} }),
    check: (_end, cluster) =>
      expect(readFileSync(join(cluster.s3.root, "made-here/k/o"), "utf8")).toBe("new\n"),
  },
  {
    section: "12.1",
    statement: "a bucket that is there and wanted is no error",
    pod: (cluster) => savesS3(cluster, "save/there", "echo x >/tmp/o", { createBucketIfNotPresent: {} }),
    expect: { objects: { "save/there/o": "x\n" } },
  },
  {
    section: "12.1",
    statement: "a bucket that is missing and not wanted fails with the words of a put and the bucket",
    pod: (cluster) => savesS3(cluster, "k", "echo x >/tmp/o", { bucket: "not-wanted" }),
    expect: fails(
      /^artifact o failed to save: failed to put file: PutObject s3:\/\/not-wanted\/k\/o/,
      "wait",
    ),
    check: (_end, cluster) => expect(existsSync(join(cluster.s3.root, "not-wanted"))).toBe(false),
  },
  {
    section: "12.1",
    statement: "an object that is there already is replaced",
    pod: (cluster) => {
      cluster.putObject("save/again/o", "old and longer");
      return savesS3(cluster, "save/again", "echo new >/tmp/o");
    },
    expect: { objects: { "save/again/o": "new\n" } },
  },
  {
    section: "12.1",
    statement: "a key for KMS and one for SSE-C together are refused",
    pod: (cluster) => ({
      ...savesS3(cluster, "save/kms", "echo x >/tmp/o", {
        encryptionOptions: {
          enableEncryption: true,
          kmsKeyId: "k",
          serverSideCustomerKeySecret: { name: "cred", key: "customer" },
        },
      }),
      secrets: {
        "cred/accesskey": cluster.s3.accessKey,
        "cred/secretkey": cluster.s3.secretKey,
        "cred/customer": "canary-customer-key",
      },
    }),
    expect: fails(/serverSideCustomerKeySecret and kmsKeyId cannot be set together/, "wait"),
  },
];

conformance("S3", [...objects, ...saves]);
