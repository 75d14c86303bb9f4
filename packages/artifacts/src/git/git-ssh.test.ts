import { readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../../test/support/command.ts";
import { freePort } from "../../../../test/support/free-port.ts";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { type SshServer, startSshServer, whyNoSshServer } from "../../../../test/support/ssh-server.ts";
import { observedTransfer, QUICK_RETRIES, secretsOf, temporaryDirectory } from "../test-support.ts";
import { type Loaded, load, settingsFrom } from "./git-test-support.ts";

describe.skipIf(whyNoSshServer() !== undefined)(`over ssh ${whyNoSshServer() ?? ""}`, () => {
  let server: SshServer;
  let repository: GitRepository;
  let commit: string;

  beforeAll(async () => {
    [server, repository] = await Promise.all([startSshServer(), createGitRepository()]);
    commit = await repository.commit("one", { "a.txt": "one\n" });
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  const urlOn = (host: string, path = repository.path, port = server.port) =>
    `ssh://${server.user}@${host}:${port}${path}`;
  const keySecret = { sshPrivateKeySecret: { name: "git", key: "key" } };

  const loadWith = async (
    knownHosts: string,
    more: Partial<GitLocation> = {},
    { key = server.privateKey.trimEnd(), env = {} }: { key?: string; env?: Record<string, string> } = {},
  ): Promise<Loaded> => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "known hosts");
    await writeFile(file, knownHosts);
    const secrets = secretsOf({ "git/key": key });
    const at = { repo: urlOn("127.0.0.1"), depth: 1, ...keySecret, ...more };
    const settings = settingsFrom({ SSH_KNOWN_HOSTS: `/nowhere/known_hosts:${file}`, ...env });
    return await load(at, { ...settings, secrets });
  };

  it("uses the key, and leaves it nowhere", async () => {
    const names = async () => [...(await readdir(tmpdir())), ...(await readdir("/dev/shm"))];
    const before = await names();
    await using loaded = await loadWith(server.knownHost);
    expect(await loaded.text("a.txt")).toBe("one\n");
    const left = (await names()).filter((entry) => !before.includes(entry));
    expect(left.filter((entry) => /^skein-git-|^\.skein-/.test(entry))).toEqual([]);
  });

  it("finds the host in known hosts that hide its name", async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "hashed");
    await writeFile(file, server.knownHost);
    await runCommand("ssh-keygen", ["-q", "-H", "-f", file]);
    const env = { SSH_KNOWN_HOSTS: file };
    await using loaded = await loadWith("", {}, { env });
    expect(await loaded.text("a.txt")).toBe("one\n");
  });

  it("refuses a server that shows another key than is known: who, which, where, and what to do", async () => {
    const knownHosts = `# ours\n${server.wrongKnownHost}`;
    const host = `\\[127\\.0\\.0\\.1\\]:${server.port}`;
    await expect(loadWith(knownHosts)).rejects.toMatchObject({
      code: "git.host_key_mismatch",
      transient: false,
      message: expect.stringMatching(
        new RegExp(
          `^failed to clone "ssh://127.0.0.1:${server.port}/.*": the host key of ${host} is not the known one: the server shows ` +
            `ssh-ed25519 ${escaped(server.fingerprint)}, and /.*/known hosts, line 2, has ssh-ed25519 ${escaped(server.wrongFingerprint)}$`,
        ),
      ),
      remedy: expect.stringMatching(
        /compare .* put it in the place of that line \(`ssh-keyscan -p \d+ 127\.0\.0\.1`/,
      ),
    });
  });

  it("refuses a server nobody knows, and says which key it shows", async () => {
    await expect(loadWith("")).rejects.toMatchObject({
      code: "git.host_key_mismatch",
      message: expect.stringContaining(
        `the host key of [127.0.0.1]:${server.port} is not known: the server shows ssh-ed25519 ${server.fingerprint}; not there: /nowhere/known_hosts`,
      ),
      remedy: expect.stringMatching(
        /add the line that `ssh-keyscan -p \d+ 127\.0\.0\.1` prints .* SSH_KNOWN_HOSTS/,
      ),
    });
  });

  it("refuses a server whose key was revoked", async () => {
    await expect(loadWith(`@revoked ${server.knownHost}`)).rejects.toMatchObject({
      code: "git.host_key_mismatch",
      message: expect.stringContaining(`is revoked: the server shows ssh-ed25519 ${server.fingerprint}`),
    });
  });

  it("takes any host key when told to", async () => {
    await using loaded = await loadWith(server.wrongKnownHost, { insecureIgnoreHostKey: true });
    expect(await loaded.text("a.txt")).toBe("one\n");
  });

  it("explains that a key is not let in, or is none", async () => {
    await using directory = await temporaryDirectory();
    const makeKey = async (name: string, passphrase: string) => {
      const file = join(directory.path, name);
      await runCommand("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", file]);
      return await runCommand("cat", [file]);
    };
    for (const [key, remedy] of [
      [await makeKey("stranger", ""), /of a user who may read it/],
      [await makeKey("encrypted", "pass phrase"), /an unencrypted private key/],
      ["no key at all", /an unencrypted private key/],
    ] as const) {
      await expect(loadWith(server.knownHost, {}, { key })).rejects.toMatchObject({
        code: "git.authentication_failed",
        transient: false,
        remedy: expect.stringMatching(remedy),
      });
    }
  });

  it("explains that a repository is not there", async () => {
    const repo = urlOn("127.0.0.1", "/nowhere.git");
    await expect(loadWith(server.knownHost, { repo })).rejects.toMatchObject({
      code: "git.repository_not_found",
    });
  });

  it("tries a server again that nobody runs, and names it", async () => {
    const observed = observedTransfer({ policy: { ...QUICK_RETRIES, budgetMs: 300 } });
    const repo = urlOn("127.0.0.1", "/r.git", await freePort());
    const secrets = secretsOf({ "git/key": server.privateKey });
    await expect(load({ repo, ...keySecret }, { secrets }, observed)).rejects.toMatchObject({
      code: "network.unreachable",
    });
    expect(observed.retries.length).toBeGreaterThan(0);
  });

  it("leaves a server that says nothing", async () => {
    await using silent = await startSshServer({ command: "cat >/dev/null" });
    const observed = observedTransfer({ policy: { ...QUICK_RETRIES, budgetMs: 1 } });
    const secrets = secretsOf({ "git/key": silent.privateKey });
    const repo = urlOn("127.0.0.1", repository.path, silent.port);
    const settings = { ...settingsFrom({}), stallTimeoutMs: 1000 };
    const at = { repo, insecureIgnoreHostKey: true, ...keySecret };
    await expect(load(at, { ...settings, secrets }, observed)).rejects.toMatchObject({
      code: "transfer.stalled",
    });
  });

  describe("a submodule on another host", () => {
    let parent: GitRepository;

    beforeAll(async () => {
      parent = await createGitRepository();
      await parent.commitSubmodule({ path: "x", url: urlOn("127.0.0.2"), commit });
    });

    afterAll(() => parent[Symbol.asyncDispose]());

    const both = () => server.knownHost + server.lineFor(`[127.0.0.2]:${server.port}`);

    it("is not offered the repository's key", async () => {
      const before = server.log().length;
      await expect(loadWith(both(), { repo: urlOn("127.0.0.1", parent.path) })).rejects.toMatchObject({
        code: "git.authentication_failed",
        message: expect.stringContaining("failed to update submodules: x from ssh://127.0.0.2:"),
        remedy: expect.stringContaining("SKEIN_GIT_SSH_KEYS"),
      });
      const told = server.log().slice(before).split("\n");
      expect(told.filter((line) => line.startsWith("Accepted publickey"))).toHaveLength(1);
      expect(told.filter((line) => /Failed publickey/.test(line))).toEqual([]);
    });

    it("is not trusted blindly because the repository's host is", async () => {
      const at = { repo: urlOn("127.0.0.1", parent.path), insecureIgnoreHostKey: true };
      await expect(loadWith("", at)).rejects.toMatchObject({
        code: "git.host_key_mismatch",
        message: expect.stringContaining(`[127.0.0.2]:${server.port} is not known`),
      });
    });

    it("is given the key that is called like it", async () => {
      await using keys = await temporaryDirectory();
      await writeFile(join(keys.path, "127.0.0.2"), server.privateKey);
      const env = { SKEIN_GIT_SSH_KEYS: keys.path };
      await using loaded = await loadWith(both(), { repo: urlOn("127.0.0.1", parent.path) }, { env });
      expect(await loaded.text("x/a.txt")).toBe("one\n");
    });
  });

  it("says that a directory of keys is not there", async () => {
    const env = { SKEIN_GIT_SSH_KEYS: "/nowhere" };
    await expect(loadWith(server.knownHost, {}, { env })).rejects.toMatchObject({ code: "secret.missing" });
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[+/]/g, "\\$&");
}
