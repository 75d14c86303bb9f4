import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Template } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type S3Server, startS3Server } from "../../../test/support/s3-server.ts";
import { run } from "./run.ts";
import { createTestHost, kubeconfigFlag, put, startApi } from "./test-support.ts";

/** The same acts as in run.test.ts, with the real engine and a real S3 server. */
let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server[Symbol.asyncDispose]());

function repository(key: string) {
  return {
    s3: {
      endpoint: server.endpoint,
      bucket: server.bucket,
      insecure: true,
      accessKeySecret: { name: "cred", key: "accesskey" },
      secretKeySecret: { name: "cred", key: "secretkey" },
      key,
    },
  };
}

async function hostWith(argv: string[], template: Template, secretKey = server.secretKey) {
  const host = await createTestHost(argv, {
    ARGO_TEMPLATE: JSON.stringify(template),
    SKEIN_TRACE: "artifacts",
  });
  host.env.SKEIN_TRACE_FILE = join(host.root, "trace.jsonl");
  await put(host.paths.secret("cred", "accesskey"), server.accessKey);
  await put(host.paths.secret("cred", "secretkey"), secretKey);
  const everything = async () =>
    [
      host.written.stderr,
      await host.terminationMessage(),
      existsSync(host.env.SKEIN_TRACE_FILE ?? "")
        ? await readFile(host.env.SKEIN_TRACE_FILE ?? "", "utf8")
        : "",
    ].join("\n");
  return { host, everything };
}

/** A tgz as another tool makes it, as an object. */
async function putTgz(key: string, files: Record<string, string>): Promise<void> {
  const source = await mkdtemp(join(tmpdir(), "skein-tgz-"));
  onTestFinished(() => rm(source, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await put(join(source, name), content);
  const tar = execFileSync("tar", ["-C", source, "-cf", "-", ...(await readdir(source))]);
  await putObject(key, gzipSync(tar));
}

async function putObject(key: string, content: Uint8Array): Promise<void> {
  const path = join(server.root, server.bucket, key);
  await mkdir(join(path, ".."), { recursive: true });
  await put(path, content);
}

describe("argoexec init", () => {
  it("loads what S3 holds: an archive, a file with a mode, a directory, and raw data", async () => {
    await putTgz("in/tree.tgz", { "tree/sub/a": "A", "tree/b": "B" });
    await putObject("in/plain.txt", Buffer.from("plain"));
    await putObject("in/dir/x", Buffer.from("X"));
    await putObject("in/dir/y/z", Buffer.from("Z"));
    const { host, everything } = await hostWith(["init"], {
      container: {},
      archiveLocation: repository("unused"),
      inputs: {
        artifacts: [
          { name: "tree", path: "/tree", s3: { key: "in/tree.tgz" } },
          { name: "plain", path: "/plain", mode: 0o444, ...repository("in/plain.txt") },
          { name: "dir", path: "/dir", s3: { key: "in/dir" } },
          { name: "raw", path: "/raw", raw: { data: "raw data" } },
          { name: "none", path: "/none", optional: true, s3: { key: "in/there-is-none" } },
        ],
      },
    });
    expect(await run(host), host.written.stderr).toBe(0);
    const at = (path: string) => readFile(join(host.paths.inputArtifacts, path), "utf8");
    expect(
      await Promise.all([at("tree/sub/a"), at("tree/b"), at("plain"), at("dir/x"), at("dir/y/z"), at("raw")]),
    ).toEqual(["A", "B", "plain", "X", "Z", "raw data"]);
    expect(await readdir(host.paths.inputArtifacts)).toEqual(["dir", "plain", "raw", "tree"]);
    expect(await everything()).not.toContain(server.secretKey);
  });

  it.each<[string, Partial<Template>, RegExp]>([
    [
      "an object that is not there",
      { inputs: { artifacts: [{ name: "a", path: "/a", s3: { key: "in/none" } }] } },
      /^artifact a failed to load: .*in\/none/,
    ],
    [
      "a bucket that is not there",
      {
        inputs: { artifacts: [{ name: "a", path: "/a", s3: { key: "k" } }] },
        archiveLocation: { s3: { bucket: "there-is-no-such-bucket" } },
      },
      /^artifact a failed to load: .*there-is-no-such-bucket/,
    ],
    [
      "a secret that is not mounted",
      {
        inputs: { artifacts: [{ name: "a", path: "/a", s3: { key: "k" } }] },
        archiveLocation: { s3: { accessKeySecret: { name: "gone", key: "k" } } },
      },
      /^artifact a failed to load: open .*\/argo\/secret\/gone\/k: no such file or directory$/,
    ],
  ])("names %s", async (_what, template, message) => {
    const { archiveLocation, ...rest } = template;
    const { host, everything } = await hostWith(["init"], {
      container: {},
      ...rest,
      archiveLocation: { s3: { ...repository("x").s3, ...archiveLocation?.s3 } },
    });
    expect(await run(host)).toBe(64);
    expect(await host.terminationMessage()).toMatch(message);
    expect(await everything()).not.toContain(server.secretKey);
  });

  it("refuses an archive that climbs, and leaves nothing of it", async () => {
    const header = tarHeader("../../escaped", 5);
    await putObject(
      "in/escape.tgz",
      gzipSync(Buffer.concat([header, Buffer.from("bytes"), Buffer.alloc(507 + 1024)])),
    );
    const { host } = await hostWith(["init"], {
      container: {},
      archiveLocation: repository("x"),
      inputs: { artifacts: [{ name: "a", path: "/a", archive: { tar: {} }, s3: { key: "in/escape.tgz" } }] },
    });
    expect(await run(host)).toBe(64);
    expect(await host.terminationMessage()).toMatch(
      /^artifact \w+ failed to load: illegal file path: \.\.\/\.\.\/escaped/,
    );
    expect(await readdir(host.paths.inputArtifacts)).toEqual([]);
    expect(existsSync(join(host.root, "argo/escaped"))).toBe(false);
  });

  it("stops a load when the container is told to stop", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/never`;
    const { host } = await hostWith(["init"], {
      container: {},
      inputs: { artifacts: [{ name: "a", path: "/a", http: { url } }] },
    });
    silent.on("request", () => host.terminate("SIGTERM"));
    expect(await run(host)).toBe(64);
    expect(await host.terminationMessage()).toMatch(/^artifact a failed to load: .*stopped by SIGTERM/);
    silent.closeAllConnections();
    silent.close();
  });
});

describe("argoexec wait finish", () => {
  it("saves what the front packed and what lies in volumes, each as its strategy says", async () => {
    const api = await startApi();
    const { host, everything } = await hostWith(["wait", "finish", await kubeconfigFlag(api.url)], {
      container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
      archiveLocation: { ...repository("wf/pod"), archiveLogs: true },
      outputs: {
        artifacts: [
          { name: "tgz", path: "/tmp/file.txt" },
          { name: "none", path: "/tmp/file.txt", archive: { none: {} } },
          { name: "dir", path: "/work/dir", archive: { none: {} } },
          { name: "zip", path: "/work/dir", archive: { zip: {} } },
        ],
      },
    });
    const image = await put(join(host.root, "image-root/file.txt"), "from the image");
    const tar = execFileSync("tar", ["-C", join(image, ".."), "-cf", "-", "file.txt"]);
    await put(join(host.paths.outputArtifacts, "tmp/file.txt.tgz"), gzipSync(tar));
    await put(join(host.paths.mainContainerRoot, "work/dir/sub/f"), "F");
    await put(host.paths.combined("main"), "line\n");
    expect(await run(host), host.written.stderr).toBe(0);

    const object = (key: string) => readFile(join(server.root, server.bucket, "wf/pod", key));
    expect(execFileSync("tar", ["-xzO"], { input: await object("tgz.tgz") }).toString()).toBe(
      "from the image",
    );
    expect((await object("file.txt")).toString()).toBe("from the image");
    expect((await object("dir/sub/f")).toString()).toBe("F");
    expect((await object("zip.zip")).subarray(0, 2).toString()).toBe("PK");
    expect((await object("main.log")).toString()).toBe("line\n");
    expect(api.calls[0]?.body).toMatchObject({
      outputs: {
        artifacts: [
          { name: "tgz", path: "/tmp/file.txt", s3: { key: "wf/pod/tgz.tgz" } },
          { name: "none", s3: { key: "wf/pod/file.txt" } },
          { name: "dir", s3: { key: "wf/pod/dir" } },
          { name: "zip", s3: { key: "wf/pod/zip.zip" } },
          { name: "main-logs", s3: { key: "wf/pod/main.log" } },
        ],
      },
    });
    expect(await everything()).not.toContain(server.secretKey);
  });

  it("reports the rest when one artifact cannot be saved", async () => {
    const api = await startApi();
    const { host } = await hostWith(["wait", "finish", await kubeconfigFlag(api.url)], {
      container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
      archiveLocation: repository("partial"),
      outputs: {
        parameters: [{ name: "p", valueFrom: { path: "/work/p" } }],
        artifacts: [
          { name: "good", path: "/work/good" },
          { name: "git", path: "/work/good", git: { repo: "https://127.0.0.1/r" } },
        ],
      },
    });
    await put(join(host.paths.mainContainerRoot, "work/good"), "good");
    await put(join(host.paths.mainContainerRoot, "work/p"), "value\n");
    expect(await run(host)).toBe(64);
    expect(await host.terminationMessage()).toMatch(
      /^artifact git failed to save: git output artifacts unsupported.*; $/i,
    );
    expect(api.calls[0]?.body).toMatchObject({
      outputs: {
        parameters: [{ name: "p", value: "value" }],
        artifacts: [{ name: "good", s3: { key: "partial/good.tgz" } }],
      },
    });
  });

  it("never prints a secret that is refused", async () => {
    const api = await startApi();
    const { host, everything } = await hostWith(
      ["wait", "finish", await kubeconfigFlag(api.url), "--loglevel", "debug"],
      {
        container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
        archiveLocation: repository("refused"),
        outputs: { artifacts: [{ name: "a", path: "/work/a" }] },
      },
      "canary-secret-key",
    );
    await put(join(host.paths.mainContainerRoot, "work/a"), "a");
    expect(await run(host)).toBe(64);
    expect(await host.terminationMessage()).not.toBe("");
    expect(await everything()).not.toContain("canary");
  });
});

/** A ustar header, made by hand because no tool would write this name. */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
