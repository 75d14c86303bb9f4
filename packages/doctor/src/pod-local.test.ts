import { mkdtempDisposable } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "../../../test/support/command.ts";
import { createGitRepository } from "../../../test/support/git-repository.ts";
import { startSilentServer } from "../../../test/support/silent-server.ts";
import { startSshServer, whyNoSshServer } from "../../../test/support/ssh-server.ts";
import { type Examined, type ExamineOptions, examine } from "./testing/doctor.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A pod whose API server is not there: that is not what is looked at here. */
function pod({ env = {}, files = {} }: ExamineOptions = {}, args: string[] = []): Promise<Examined> {
  const own = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1", ...env };
  return examine(["--json", ...args], { env: own, files: { "var/run/argo/.keep": "", ...files } });
}

describe.skipIf(whyNoSshServer() !== undefined)(`a git server ${whyNoSshServer() ?? ""}`, () => {
  it("with another host key than is known fails, with both fingerprints; with the right one it is fine", async () => {
    await using server = await startSshServer();
    await using repository = await createGitRepository();
    const commit = await repository.commit("one", { "a.txt": "one\n" });
    const git = {
      repo: `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`,
      sshPrivateKeySecret: { name: "git", key: "key" },
    };
    const template = { name: "t", inputs: { artifacts: [{ name: "source", git }] } };
    const env = { ARGO_TEMPLATE: JSON.stringify(template), SSH_KNOWN_HOSTS: "ROOT/known_hosts" };
    const files = { "argo/secret/git/key": server.privateKey };
    const seen = await pod({ env, files: { ...files, known_hosts: server.wrongKnownHost } });
    expect(seen.checks["known-hosts"]).toMatchObject({
      status: "ok",
      evidence: expect.stringMatching(/1 keys?$/),
    });
    expect(seen.checks.git).toMatchObject({
      status: "fail",
      code: "git.host_key_mismatch",
      evidence: expect.stringContaining(server.wrongFingerprint),
      fix: { say: expect.stringContaining(`ssh-keyscan -p ${server.port} 127.0.0.1`) },
    });
    expect(seen.checks.git?.evidence).toContain(server.fingerprint);
    const right = await pod({ env, files: { ...files, known_hosts: server.knownHost } });
    expect(right.checks.git).toMatchObject({
      status: "ok",
      evidence: expect.stringContaining(commit.slice(0, 12)),
    });
    expect(right.stdout + seen.stdout).not.toContain("PRIVATE KEY");
  });
});

describe("known hosts", () => {
  it("that are not there are a warning that names the files and what prints their lines", async () => {
    const env = { SSH_KNOWN_HOSTS: "ROOT/nothing" };
    const { checks } = await pod({ env }, ["--git", "git@git.invalid:o/r.git"]);
    expect(checks.git?.reason).toBe("dns comes first");
    expect(checks["known-hosts"]).toMatchObject({
      status: "warn",
      evidence: expect.stringMatching(/nothing: not there$/),
      fix: { copy: ["ssh-keyscan git.invalid"] },
    });
  });
});

describe("a collector", () => {
  const ask = (url: string, more: Record<string, string> = {}, args: string[] = []): Promise<Examined> => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf", ...more };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    return pod({ env }, args);
  };

  it("that accepts and never answers fails within its time", async () => {
    const { checks } = await ask(`http://${await startSilentServer()}`);
    expect(checks.otlp).toMatchObject({
      status: "fail",
      evidence: expect.stringMatching(/by http\/protobuf: Request timed out$/),
      fix: { say: expect.stringContaining("every container spends up to 2 s on it") },
    });
  });

  it("is not waited for longer than a check may take", async () => {
    const { checks } = await ask(`http://${await startSilentServer()}`, {}, ["--timeout", "0.2"]);
    expect(checks.otlp).toMatchObject({ status: "fail", evidence: "no answer within 0.2 s" });
  });

  it("that speaks another protocol than is configured fails with the right one", async () => {
    await using collector = await answering(200);
    const { checks } = await ask(collector.url, { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
    expect(checks.otlp).toMatchObject({
      status: "fail",
      evidence: expect.stringMatching(/; it answers to http\/protobuf$/),
      fix: { copy: ["- name: OTEL_EXPORTER_OTLP_PROTOCOL", "  value: http/protobuf"] },
    });
  });

  it.each([
    [401, /OTEL_EXPORTER_OTLP_HEADERS/],
    [404, /take the path out of OTEL_EXPORTER_OTLP_ENDPOINT/],
  ])("that answers with %i fails with what to set", async (status, advice) => {
    await using collector = await answering(status);
    expect((await ask(collector.url)).checks.otlp).toMatchObject({
      status: "fail",
      fix: { say: expect.stringMatching(advice) },
    });
  });

  it("that takes exports is fine", async () => {
    await using collector = await answering(200);
    expect((await ask(collector.url)).checks.otlp).toMatchObject({ status: "ok" });
  });

  it.each(["not a url", "127.0.0.1:1"])("whose endpoint has no scheme needs one: %s", async (endpoint) => {
    const { checks } = await ask(endpoint, { OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" });
    expect(checks.otlp).toMatchObject({
      status: "fail",
      evidence: expect.stringContaining(`${endpoint} by http/protobuf: `),
      fix: { say: expect.stringContaining("http://HOST:4318, with the scheme") },
    });
  });

  it("by a protocol that there is not fails with the variable's name", async () => {
    const { checks } = await ask("http://127.0.0.1:1", { OTEL_EXPORTER_OTLP_PROTOCOL: "morse" });
    expect(checks.otlp?.evidence).toMatch(/unsupported OTLP protocol "morse" in OTEL_EXPORTER_OTLP_PROTOCOL/);
    expect(checks.settings).toMatchObject({
      status: "fail",
      evidence: 'OTEL_EXPORTER_OTLP_PROTOCOL is "morse", which is no protocol of OTLP',
    });
  });
});

describe("variables", () => {
  it("that are wrong are quoted", async () => {
    const { checks } = await pod({ env: { SKEIN_S3_RANGES: "many" } });
    expect(checks.settings).toMatchObject({
      status: "fail",
      evidence: 'environment variable SKEIN_S3_RANGES must be a whole number above 0, got "many"',
    });
    // Once, and not by everybody who goes by them.
    expect(checks.disk?.reason).toBe("settings comes first");
  });

  it.each([
    ["SKEIN_TRACE", "verbose", "off or phases or artifacts or files"],
    ["SKEIN_TRACE_STORE", "yes", "true or false"],
    ["SKEIN_TRACE_TO_MAIN", "1", "true or false"],
  ])("that executors pass over are a warning: %s", async (name, value, known) => {
    expect((await pod({ env: { [name]: value } })).checks.settings).toMatchObject({
      status: "warn",
      evidence: `${name} is "${value}", which means nothing`,
      fix: { say: `set it to ${known}, or take it out` },
    });
  });

  it("that the exporters pass over are all named, with what happens meanwhile", async () => {
    const env = { OTEL_EXPORTER_OTLP_COMPRESSION: "snappy", OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "abc" };
    expect((await pod({ env })).checks.settings).toEqual(
      expect.objectContaining({
        status: "warn",
        evidence:
          'OTEL_EXPORTER_OTLP_COMPRESSION is "snappy", which means nothing to the exporter; OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is "abc", which is no number above 0',
        fix: {
          say: "set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none, or take it out; until then nothing is compressed. set OTEL_EXPORTER_OTLP_TRACES_TIMEOUT to milliseconds, as 1500, or take it out; until then an export gets the 1,800 ms it may take at most",
        },
      }),
    );
  });
});

describe("the disk", () => {
  it("shows the room at the places executors write to", async () => {
    const { checks } = await pod();
    expect(checks.disk).toMatchObject({ evidence: expect.stringMatching(/[GM]iB free at .*var\/run\/argo/) });
  });

  it.skipIf(process.getuid?.() !== 0)("that is small is a warning or a failure (needs root)", async () => {
    await using volume = await mkdtempDisposable(join(tmpdir(), "skein-doctor-volume-"));
    await runCommand("mount", ["-t", "tmpfs", "-o", "size=32m", "none", volume.path]);
    try {
      const { checks } = await pod({ env: { TMPDIR: volume.path } });
      expect(checks.disk).toMatchObject({
        status: "fail",
        evidence: expect.stringContaining(`32 MiB free at ${volume.path}`),
        fix: { say: expect.stringContaining(`make room at ${volume.path}`) },
      });
    } finally {
      await runCommand("umount", [volume.path]);
    }
  });
});

describe("the user", () => {
  it("is shown with the umask", async () => {
    const { checks } = await pod();
    expect(checks.user?.evidence).toMatch(/^uid \d+, gid \d+, groups .*, umask 0022/);
  });

  it("who cannot read a token is given a group", async () => {
    // Not even root can: its directory is a file.
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: "ROOT/file/token" };
    const { checks } = await pod({ env, files: { file: "" } });
    expect(checks.user).toMatchObject({
      status: "fail",
      evidence: expect.stringMatching(/; cannot read .*file\/token$/),
      fix: { copy: ["securityContext:", expect.stringMatching(/^ {2}fsGroup: \d+$/)] },
    });
  });
});

async function answering(status: number): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
