import { readFileSync } from "node:fs";
import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../test/support/command.ts";
import { startFaultProxy } from "../../../test/support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../../../test/support/s3-server.ts";
import { startSilentServer } from "../../../test/support/silent-server.ts";
import { Stopped } from "./stop.ts";
import { startCluster, type TestCluster } from "./testing/cluster.ts";
import { type Examined, examine, podEnvironment, podFiles } from "./testing/doctor.ts";

const INSTALL_PAGE = new URL("../../../docs/install.md", import.meta.url);

let server: S3Server;
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
  server = await startS3Server({ flags: ["--region", "eu-test-7"] });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

/** As a pod's executor would, with what is wrong in its repository. */
function inPod(s3: object, args: string[] = [], files: Record<string, string> = {}): Promise<Examined> {
  const env = podEnvironment({
    endpoint: server.endpoint,
    bucket: server.bucket,
    region: "eu-test-7",
    ...s3,
  });
  return examine(["--json", ...args], { env, files: { ...podFiles(cluster, server), ...files } });
}

function statuses({ checks }: Examined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(checks).flatMap(([id, { status }]) =>
      id.startsWith("s3-") ? [[id.slice(3), status]] : [],
    ),
  );
}

const ALL_WELL = {
  addressing: "ok",
  endpoint: "ok",
  credentials: "ok",
  list: "ok",
  region: "ok",
  put: "ok",
  head: "ok",
  get: "ok",
  delete: "ok",
  // versitygw has no such thing.
  lifecycle: "skip",
};

async function objectsIn(bucket: string): Promise<string[]> {
  const names = await readdir(join(server.root, bucket), { recursive: true });
  return names.filter((name) => name.includes("skein-doctor"));
}

describe("a bucket", () => {
  it.each([
    [501, "NotImplemented", "skip", /^the store has no lifecycle rules$/],
    [405, "MethodNotAllowed", "skip", /^the store has no lifecycle rules$/],
    [
      403,
      "AccessDenied",
      "skip",
      /^these credentials may not read .*GetLifecycleConfiguration\), and need not/,
    ],
    [503, "Busy", "skip", /^GetBucketLifecycleConfiguration .* failed/],
    [
      404,
      "NoSuchLifecycleConfiguration",
      "warn",
      /^no rule of the bucket ends uploads that nobody completes/,
    ],
  ])("that answers %i %s when it is asked for its rules gives %s", async (status, code, expected, words) => {
    await using proxy = await startFaultProxy(server.endpoint, ({ url }) =>
      url.includes("lifecycle") ? { type: "answer", status, code } : undefined,
    );
    const seen = await inPod({ endpoint: proxy.endpoint });
    expect(statuses(seen)).toEqual({ ...ALL_WELL, lifecycle: expected });
    const { evidence, reason, fix } = seen.checks["s3-lifecycle"] ?? {};
    expect(evidence ?? reason).toMatch(words);
    if (!fix) return;
    expect(fix.copy).toEqual([
      expect.stringMatching(
        /^aws s3api put-bucket-lifecycle-configuration --bucket artifacts --lifecycle-configuration '\{.*\}' --endpoint-url http/,
      ),
    ]);
    const [, rule = ""] = /'(\{.*\})'/.exec(fix.copy?.[0] ?? "") ?? [];
    expect(readFileSync(INSTALL_PAGE, "utf8").replace(/\s+/g, "")).toContain(rule);
    expect(seen.exitCode).toBe(0);
  });

  it("that is all right is so, and nothing stays in it", async () => {
    const seen = await inPod({});
    expect(statuses(seen)).toEqual(ALL_WELL);
    expect(seen.checks["s3-put"]?.evidence).toMatch(/^s3:\/\/artifacts\/wf\/pod\/skein-doctor-[0-9a-f]{12}$/);
    expect(seen.checks.repository?.evidence).toContain("from the pod's template");
    expect(await objectsIn("artifacts")).toEqual([]);
  });

  it("is only looked at with --read-only", async () => {
    const seen = await inPod({}, ["--read-only"]);
    expect(statuses(seen)).toMatchObject({
      list: "ok",
      put: "skip",
      head: "skip",
      get: "skip",
      delete: "skip",
    });
    expect(seen.checks["s3-get"]?.reason).toBe("--read-only");
  });

  it("that is not there is named, with the command that makes it", async () => {
    const seen = await inPod({ bucket: "nope" });
    expect(seen.exitCode).toBe(1);
    expect(statuses(seen)).toMatchObject({ list: "fail", put: "skip", delete: "skip", lifecycle: "skip" });
    expect(seen.checks["s3-lifecycle"]?.reason).toBe("s3-list comes first");
    expect(seen.checks["s3-list"]?.fix.copy).toEqual([
      `aws s3 mb s3://nope --endpoint-url http://${server.endpoint}`,
    ]);
  });

  it("that executors make themselves is a warning, and is not made for a probe", async () => {
    const seen = await inPod({ bucket: "not-yet", createBucketIfNotPresent: {} });
    expect(seen.exitCode).toBe(0);
    expect(statuses(seen)).toMatchObject({ list: "warn", put: "skip" });
    expect(seen.checks["s3-put"]?.reason).toBe("the bucket is not there yet");
  });

  it("in another region than is configured is a warning with the right one", async () => {
    const seen = await inPod({ region: "us-west-2" });
    expect(seen.exitCode).toBe(0);
    expect(statuses(seen)).toEqual({ ...ALL_WELL, region: "warn" });
    expect(seen.checks["s3-region"]).toMatchObject({
      evidence: expect.stringMatching(/^us-west-2 is configured, and the bucket is in eu-test-7/),
      fix: { copy: ["region: eu-test-7"] },
    });
  });

  it("that may be read and not be listed says so, and everything else is still tried", async () => {
    await using proxy = await startFaultProxy(server.endpoint, ({ url }) =>
      url.includes("list-type=2") ? { type: "answer", status: 403, code: "AccessDenied" } : undefined,
    );
    const seen = await inPod({ endpoint: proxy.endpoint });
    expect(statuses(seen)).toEqual({ ...ALL_WELL, list: "fail" });
    expect(seen.checks["s3-list"]?.fix).toEqual({
      say: "allow s3:ListBucket to whoever these credentials belong to; in an IAM or bucket policy",
      copy: ['{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::artifacts"]}'],
    });
  });

  it("whose objects may not be deleted is a warning with the command that removes the probe", async () => {
    await using proxy = await startFaultProxy(server.endpoint, ({ method }) =>
      method === "DELETE" ? { type: "answer", status: 403, code: "AccessDenied" } : undefined,
    );
    const seen = await inPod({ endpoint: proxy.endpoint });
    expect(seen.exitCode).toBe(0);
    expect(statuses(seen)).toEqual({ ...ALL_WELL, delete: "warn" });
    const [left = ""] = await objectsIn("artifacts");
    const url = `s3://artifacts/${left}`;
    expect(seen.checks["s3-delete"]?.fix.copy).toEqual([
      `aws s3 rm ${url} --endpoint-url http://${proxy.endpoint}`,
    ]);
  });

  it("that gives back other bytes fails, and the probe is still removed", async () => {
    await using proxy = await startFaultProxy(server.endpoint, ({ method, url }) =>
      method === "GET" && url.includes("skein-doctor") ? { type: "flip", atByte: 5 } : undefined,
    );
    const before = await objectsIn("artifacts");
    const seen = await inPod({ endpoint: proxy.endpoint });
    expect(statuses(seen)).toEqual({ ...ALL_WELL, get: "fail" });
    expect(await objectsIn("artifacts")).toEqual(before);
  });
});

describe("keys", () => {
  it("with a wrong secret half point to that half of the secret", async () => {
    const seen = await inPod({}, [], { "argo/secret/s3/secret": "not-the-secret-key" });
    expect(statuses(seen)).toMatchObject({ endpoint: "ok", list: "fail", put: "skip" });
    expect(seen.checks["s3-list"]?.fix).toEqual({
      say: "the secret key does not belong to the access key: put the right one into the secret s3, key secret",
      copy: [`kubectl -n ci patch secret s3 -p '{"stringData":{"secret":"THE-RIGHT-ONE"}}'`],
    });
    expect(seen.stdout).not.toContain("not-the-secret-key");
  });

  it("that the store does not know point to the other half", async () => {
    const seen = await inPod({}, [], { "argo/secret/s3/access": "nobodys-access-key" });
    expect(seen.checks["s3-list"]?.fix.say).toBe(
      "the store does not know the access key, or no longer: put the right one into the secret s3, key access",
    );
    expect(seen.stdout).not.toContain("nobodys-access-key");
  });

  it("that are not mounted are missed, while the endpoint is still looked at", async () => {
    const seen = await inPod({ accessKeySecret: { name: "gone", key: "access" } });
    expect(statuses(seen)).toMatchObject({ endpoint: "ok", credentials: "fail", list: "skip" });
    expect(seen.checks["s3-credentials"]?.evidence).toContain("argo/secret/gone/access");
  });
});

describe("an endpoint", () => {
  it("whose certificate nobody vouches for shows who has signed it; with caSecret it is trusted", async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "skein-doctor-tls-"));
    const [key, cert] = [join(directory.path, "key"), join(directory.path, "cert")];
    const subject = ["-subj", "/CN=Company CA", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert];
    await runCommand("openssl", [...request, ...subject]);
    await using secure = await startS3Server({ flags: ["--cert", cert, "--key", key], tls: true });
    const at = { endpoint: secure.endpoint, insecure: false, region: "us-east-1" };
    const seen = await inPod(at);
    expect(statuses(seen)).toMatchObject({ endpoint: "fail", list: "skip" });
    expect(seen.checks["s3-endpoint"]).toMatchObject({
      evidence: expect.stringContaining("a certificate of Company CA, signed by itself"),
      fix: {
        say: expect.stringContaining('have executors trust the authority "Company CA"'),
        copy: ["caSecret:", "  name: store-ca", "  key: ca.crt"],
      },
    });
    const trusted = await inPod({ ...at, caSecret: { name: "s3", key: "ca" } }, [], {
      "argo/secret/s3/ca": await readFile(cert, "utf8"),
    });
    // The certificate is good for a day only.
    expect(statuses(trusted)).toEqual({ ...ALL_WELL, endpoint: "warn" });
    expect(trusted.checks["s3-endpoint"]?.fix.say).toMatch(/it expires in [01] days$/);
  });

  it("that speaks plain HTTP where TLS is expected says which field", async () => {
    const seen = await inPod({ insecure: false });
    expect(seen.checks["s3-endpoint"]?.fix.say).toContain("set `insecure: true`");
    const outside = await examine(["--json", "--bucket", "b", "--endpoint", server.endpoint]);
    expect(outside.checks["s3-endpoint"]?.fix.say).toContain("set `insecure: true`");
  });

  it("at which nobody listens is not waited for", async () => {
    const refusing = createServer();
    await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
    const { port } = refusing.address() as AddressInfo;
    await new Promise((resolve) => refusing.close(resolve));
    const seen = await inPod({ endpoint: `127.0.0.1:${port}` });
    expect(seen.checks["s3-endpoint"]).toMatchObject({
      status: "fail",
      evidence: expect.stringContaining("ECONNREFUSED"),
      fix: { say: "check that the server runs and listens on this port" },
    });
    expect(seen.checks["s3-list"]).toMatchObject({ status: "skip", reason: "s3-endpoint comes first" });
  });

  it("that accepts and says nothing costs its time and no more", async () => {
    const seen = await inPod({ endpoint: await startSilentServer() }, ["--timeout", "0.3"]);
    expect(seen.checks["s3-endpoint"]).toMatchObject({
      status: "fail",
      evidence: "no answer within 0.3 s",
      fix: { say: expect.stringContaining("let pods reach its host and port") },
    });
  });

  it("whose name is unknown is missed once, where names are looked up", async () => {
    const seen = await inPod({ endpoint: "minio.invalid:9000" });
    expect(seen.checks.dns).toMatchObject({
      status: "fail",
      evidence: "minio.invalid (S3 endpoint) is not found",
      fix: { say: expect.stringContaining("NAME.NAMESPACE.svc") },
    });
    expect(seen.checks["s3-endpoint"]?.reason).toBe("dns comes first");
  });

  it("that is a URL is taken apart", async () => {
    const seen = await inPod({ endpoint: `http://${server.endpoint}` });
    expect(seen.checks.repository).toMatchObject({
      status: "fail",
      fix: { copy: [`endpoint: ${server.endpoint}`, "insecure: true"] },
    });
    expect(statuses(seen)).toMatchObject({ addressing: "skip", list: "skip" });
  });

  it("that is a URL with keys in it shows neither of them", async () => {
    const seen = await inPod({ endpoint: `http://key:sek/r@et@${server.endpoint}` });
    expect(seen.checks.repository).toMatchObject({
      fix: { copy: [`endpoint: ${server.endpoint}`, "insecure: true"] },
    });
    expect(JSON.stringify(seen)).not.toMatch(/sek|r@et/);
  });

  it("that is an address cannot have a bucket before it", async () => {
    const seen = await inPod({ addressingStyle: "virtual-hosted" });
    expect(seen.checks["s3-addressing"]).toMatchObject({
      status: "fail",
      fix: { copy: ["addressingStyle: path"] },
    });
  });
});

describe("a clock", () => {
  it("of a store that is 20 minutes ahead fails, with the minutes", async () => {
    const date = new Date(Date.now() + 20 * 60_000).toUTCString();
    await using proxy = await startFaultProxy(server.endpoint, () => ({
      type: "answer",
      status: 403,
      code: "RequestTimeTooSkewed",
      headers: { date },
    }));
    const seen = await inPod({ endpoint: proxy.endpoint });
    expect(seen.checks.clock).toMatchObject({
      status: "fail",
      evidence: "the API server's agrees within 1 s, the store's is 20 min ahead of this one",
      fix: {
        say: expect.stringContaining("RequestTimeTooSkewed"),
        copy: expect.arrayContaining(["chronyc tracking"]),
      },
    });
    expect(seen.checks["s3-list"]?.fix.say).toContain("set this machine's clock");
  });
});

describe("stopping", () => {
  it("in the middle removes the probe", async () => {
    const before = await objectsIn("artifacts");
    const stop = new AbortController();
    await using proxy = await startFaultProxy(server.endpoint, ({ method, url }) => {
      if (method !== "GET" || !url.includes("skein-doctor")) return undefined;
      stop.abort(new Stopped("SIGTERM"));
      return { type: "stall", afterBytes: 0 };
    });
    const env = podEnvironment({ endpoint: proxy.endpoint, bucket: server.bucket });
    const seen = await examine(["--json"], { env, files: podFiles(cluster, server), signal: stop.signal });
    expect(seen.checks["s3-get"]?.reason).toBe("stopped");
    expect(seen.checks["s3-delete"]?.status).toBe("ok");
    expect(seen.exitCode).toBe(143);
    expect(await objectsIn("artifacts")).toEqual(before);
  });

  it("before anything was put removes nothing, and does not wait for a store that is silent", async () => {
    const stop = new AbortController();
    await using proxy = await startFaultProxy(server.endpoint, () => {
      stop.abort(new Stopped("SIGINT"));
      return { type: "stall", afterBytes: 0 };
    });
    const env = podEnvironment({ endpoint: proxy.endpoint, bucket: server.bucket });
    const seen = await examine(["--json"], { env, files: podFiles(cluster, server), signal: stop.signal });
    expect(seen.exitCode).toBe(130);
    expect(seen.checks.repository?.status).toBe("ok");
    expect(seen.checks["s3-delete"]).toMatchObject({ status: "skip", reason: "stopped" });
    expect(proxy.seen.filter(({ method }) => method === "DELETE")).toEqual([]);
  });

  it("while a kubeconfig's program is at work does not wait for that", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Stopped("SIGINT")), 100);
    const user = { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "sleep", args: ["15"] } };
    const kubeconfig = JSON.stringify({
      clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    const args = ["--json", "--kubeconfig", "ROOT/kubeconfig"];
    const seen = await examine(args, { files: { kubeconfig }, signal: stop.signal });
    expect(seen.exitCode).toBe(130);
    expect(seen.checks["api-server"]).toBeDefined();
  }, 10_000);
});
