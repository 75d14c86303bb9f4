import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Cluster, startCluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";

/** Whole pods: the real front and core in private mounts, a real S3 server, an API server over TLS. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose]());

function putObject(key: string, content: string | Uint8Array): void {
  const path = join(cluster.s3.root, cluster.s3.bucket, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

describe("init", () => {
  const withInput = (location: object) => ({
    container: {},
    inputs: { artifacts: [{ name: "a", path: "/a", ...location }] },
    archiveLocation: cluster.repository("unused"),
  });

  it.each<[string, Record<string, string | undefined>, number, RegExp]>([
    [
      "a malformed template",
      { ARGO_TEMPLATE: "{" },
      2,
      /^template in the environment variable ARGO_TEMPLATE is not JSON/,
    ],
    ["no pod name", { ARGO_POD_NAME: undefined }, 1, /ARGO_POD_NAME/],
    ["no deadline", { ARGO_DEADLINE: undefined }, 2, /ARGO_DEADLINE is missing/],
    ["a deadline that is no time", { ARGO_DEADLINE: "soon" }, 2, /"soon"/],
  ])("with %s ends with the contract's exit code and says so", async (_what, env, exitCode, message) => {
    const { init, main } = await runPod(cluster, { template: { container: {} }, env });
    expect(init.exitCode).toBe(exitCode);
    expect(init.terminationMessage).toMatch(message);
    expect(main).toBeUndefined();
  });

  it("names an artifact that nobody supplied", async () => {
    const { init } = await runPod(cluster, { template: withInput({}) });
    expect(init).toMatchObject({ exitCode: 64, terminationMessage: "required artifact 'a' not supplied" });
    expect(init.log).toMatch(/^Error: required artifact 'a' not supplied$/m);
  });

  it("names the file of a secret that is missing", async () => {
    const { init } = await runPod(cluster, {
      template: withInput({ s3: { key: "k" } }),
      secrets: { "cred/accesskey": "someone" },
    });
    expect(init.exitCode).toBe(64);
    expect(init.terminationMessage).toMatch(
      /^artifact \w+ failed to load: open \/argo\/secret\/cred\/secretkey: no such file or directory$/,
    );
  });

  it("says that S3 cannot be reached", async () => {
    const { init } = await runPod(cluster, {
      template: withInput({
        s3: { ...(cluster.repository("k") as { s3: object }).s3, endpoint: "127.0.0.1:1" },
      }),
      env: { EXECUTOR_RETRY_BACKOFF_STEPS: "1" },
    });
    expect(init.exitCode).toBe(64);
    expect(init.terminationMessage).toMatch(/^artifact a failed to load: .*127\.0\.0\.1:1/);
  });

  it("says that S3 refuses the credentials, without them", async () => {
    const { init } = await runPod(cluster, {
      template: withInput({ s3: { key: "k" } }),
      secrets: { "cred/accesskey": "canary-access", "cred/secretkey": "canary-secret" },
    });
    expect(init.exitCode).toBe(64);
    expect(init.terminationMessage).toMatch(/^artifact a failed to load: /);
  });

  it("refuses an archive whose entry climbs out of it", async () => {
    putObject("escape.tgz", gzipSync(Buffer.concat([tarHeader("../../../escaped"), Buffer.alloc(1024)])));
    const { init } = await runPod(cluster, {
      template: withInput({ archive: { tar: {} }, s3: { key: "escape.tgz" } }),
    });
    expect(init).toMatchObject({ exitCode: 64 });
    expect(init.terminationMessage).toMatch(/^artifact \w+ failed to load: illegal file path: /);
  });

  it("refuses an object whose key climbs out of the directory", async () => {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://localhost");
      response.setHeader("content-type", "application/xml");
      if (url.searchParams.has("prefix")) response.end(LISTING);
      else if (url.pathname.includes("escaped")) response.end("escaped");
      else response.writeHead(404).end("<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { s3 } = cluster.repository("dir") as { s3: object };
    const pod = await runPod(cluster, {
      template: withInput({ s3: { ...s3, endpoint, region: "us-east-1" } }),
    });
    expect(pod.init.exitCode).toBe(64);
    expect(pod.init.terminationMessage).toMatch(/\.\.\/\.\.\/escaped/);
    expect(readdirSync(join(pod.shared(".."), "inputs"))).toEqual([]);
    expect(existsSync(join(pod.shared(".."), "escaped"))).toBe(false);
  });
});

const LISTING = `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount>
<Contents><Key>dir/../../escaped</Key><Size>7</Size><ETag>"e"</ETag></Contents></ListBucketResult>`;

/** A ustar header of an empty file, made by hand because no tool would write this name. */
function tarHeader(name: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("00000000000\0", 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
