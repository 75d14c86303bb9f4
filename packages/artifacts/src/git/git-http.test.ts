import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy } from "../../../../test/support/fault-proxy.ts";
import { freePort } from "../../../../test/support/free-port.ts";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { type GitServerOptions, startGitServer } from "../../../../test/support/git-server.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../../../test/support/loopback-certificate.ts";
import { startSilentServer } from "../../../../test/support/silent-server.ts";
import {
  observedTransfer,
  patternedBytes,
  QUICK_RETRIES,
  secretsOf,
  temporaryDirectory,
} from "../test-support.ts";
import { load, settingsFrom } from "./git-test-support.ts";

let repository: GitRepository;
let root: string;
let path: string;

beforeAll(async () => {
  repository = await createGitRepository();
  root = dirname(repository.path);
  path = `${repository.path.slice(root.length)}/.git`;
  await repository.commit("one", { "a.txt": "one\n", "large.bin": patternedBytes(300_000) });
});

afterAll(() => repository[Symbol.asyncDispose]());

async function withServer(options: GitServerOptions, use: (url: string) => Promise<void>): Promise<void> {
  await using server = await startGitServer(root, options);
  await use(`${server.url}${path}`);
}

const fromSecrets = {
  usernameSecret: { name: "git", key: "user" },
  passwordSecret: { name: "git", key: "password" },
};

describe("credentials", () => {
  it("are given to the repository's host", async () => {
    const secrets = secretsOf({ "git/user": "ann", "git/password": "p w'\"$\\%\n" });
    await withServer({ username: "ann", password: "p w'\"$\\%" }, async (url) => {
      await using loaded = await load({ repo: url, revision: "main", depth: 1, ...fromSecrets }, { secrets });
      expect(await loaded.text("a.txt")).toBe("one\n");
      expect(await readFile(join(loaded.path, ".git/config"), "utf8")).not.toContain("p w");
    });
  });

  it("may be a token alone: git would send nothing with an empty user", async () => {
    const secrets = secretsOf({ "git/password": "token-of-nobody" });
    const { passwordSecret } = fromSecrets;
    await withServer({ username: "git", password: "token-of-nobody" }, async (url) => {
      await using loaded = await load({ repo: url, passwordSecret }, { secrets });
      expect(await loaded.text("a.txt")).toBe("one\n");
    });
  });

  it("may be a token in the place of the user", async () => {
    const secrets = secretsOf({ "git/user": "token-as-user" });
    const { usernameSecret } = fromSecrets;
    await withServer({ username: "token-as-user" }, async (url) => {
      await using loaded = await load({ repo: url, usernameSecret }, { secrets });
      expect(await loaded.text("a.txt")).toBe("one\n");
    });
  });

  it("may be half in the address and half in a secret", async () => {
    const secrets = secretsOf({ "git/password": "half a secret" });
    const { passwordSecret } = fromSecrets;
    await withServer({ username: "ann", password: "half a secret" }, async (url) => {
      await using loaded = await load({ repo: url.replace("://", "://ann@"), passwordSecret }, { secrets });
      expect(await loaded.text("a.txt")).toBe("one\n");
    });
  });

  it("in the address are kept out of what is left behind", async () => {
    await withServer({ username: "ann", password: "s3cret" }, async (url) => {
      await using loaded = await load({ repo: url.replace("://", "://ann:s3cret@"), depth: 1 });
      expect(await loaded.text("a.txt")).toBe("one\n");
      expect(await readFile(join(loaded.path, ".git/config"), "utf8")).not.toContain("s3cret");
    });
  });

  it("are still there when a server that refused them once is asked again", async () => {
    let refusals = 1;
    const intercept: GitServerOptions["intercept"] = ({ headers }, response) => {
      if (!headers.authorization || refusals-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    await withServer({ username: "ann", password: "s3cret", intercept }, async (url) => {
      await using loaded = await load({ repo: url.replace("://", "://ann:s3cret@") });
      expect(loaded.observed.retries).toHaveLength(1);
    });
  });

  it("do not follow where a server sends us", async () => {
    const asked: (string | undefined)[] = [];
    const intercept: GitServerOptions["intercept"] = ({ headers }) => {
      asked.push(headers.authorization);
      return false;
    };
    await using other = await startGitServer(root, { username: "ann", password: "s3cret", intercept });
    const redirect: GitServerOptions["intercept"] = (request, response) =>
      !!response.writeHead(302, { location: `${other.url}${request.url}` }).end();
    await withServer({ intercept: redirect }, async (url) => {
      await expect(load({ repo: url.replace("://", "://ann:s3cret@") })).rejects.toMatchObject({
        code: "git.authentication_failed",
      });
    });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((header) => header !== undefined)).toEqual([]);
  });
});

describe("a failure", () => {
  const answering = (status: number): GitServerOptions => ({
    intercept: (_request, response) => !!response.writeHead(status).end(),
  });

  it.each<[string, GitServerOptions, string, RegExp]>([
    ["a missing login", { username: "ann", password: "x" }, "git.authentication_failed", /usernameSecret/],
    ["a refusal", answering(403), "git.authentication_failed", /usernameSecret/],
    ["a missing repository", answering(404), "git.repository_not_found", /check the address/],
    [
      "a page that says welcome to everybody",
      { intercept: (_request, response) => !!response.end("<html>welcome</html>") },
      "git.repository_not_found",
      /check the address/,
    ],
    [
      "a longer page",
      { intercept: (_request, response) => !!response.end("<html>\nplease log in\n</html>\n") },
      "git.repository_not_found",
      /check the address/,
    ],
    [
      "a server that has moved",
      {
        intercept: ({ method }, response) =>
          method === "POST" && !!response.writeHead(302, { location: "/elsewhere" }).end(),
      },
      "git.failed",
      /the repository's new address/,
    ],
  ])("explains %s", async (_what, options, code, remedy) => {
    await withServer(options, async (url) => {
      await expect(load({ repo: url })).rejects.toMatchObject({
        code,
        transient: false,
        message: expect.stringContaining(`failed to clone "${url}"`),
        remedy: expect.stringMatching(remedy),
      });
    });
  });

  it.each([503, 429, 500])("that says later (%i) is tried again", async (status) => {
    let refusals = 2;
    const intercept: GitServerOptions["intercept"] = (_request, response) => {
      if (refusals-- <= 0) return false;
      response.writeHead(status).end();
      return true;
    };
    await withServer({ intercept }, async (url) => {
      await using loaded = await load({ repo: url, depth: 1 });
      expect(await loaded.text("a.txt")).toBe("one\n");
      expect(loaded.observed.retries).toHaveLength(2);
    });
  });

  it.each(["reset", "short"] as const)("in the middle of the objects (%s) is tried again", async (type) => {
    // The first version of the protocol has one answer besides the list of refs.
    await using server = await startGitServer(root, { isOld: true });
    let failures = 2;
    await using proxy = await startFaultProxy(server.url.slice("http://".length), ({ method }) =>
      method === "POST" && failures-- > 0 ? { type, afterBytes: 100_000 } : undefined,
    );
    for (const at of [{}, { revision: "main", depth: 1 }]) {
      failures = 2;
      await using loaded = await load({ repo: `http://${proxy.endpoint}${path}`, ...at });
      expect(await loaded.text("a.txt")).toBe("one\n");
      const codes = new Set(loaded.observed.retries.map(({ code }) => code));
      expect([...codes]).toEqual(["transfer.interrupted"]);
    }
  });

  it("of a byte that is another one on its way is noticed, and tried again", async () => {
    await using server = await startGitServer(root, { isOld: true });
    let flips = 1;
    await using proxy = await startFaultProxy(server.url.slice("http://".length), ({ method }) =>
      method === "POST" && flips-- > 0 ? { type: "flip", atByte: 100_000 } : undefined,
    );
    await using loaded = await load({ repo: `http://${proxy.endpoint}${path}` });
    expect(await loaded.git("fsck")).toBe("");
    expect(loaded.observed.retries.map(({ code }) => code)).toEqual(["transfer.interrupted"]);
  });

  it("of a server that nobody runs is tried again, and named", async () => {
    const observed = observedTransfer({ policy: { ...QUICK_RETRIES, budgetMs: 300 } });
    const repo = `http://127.0.0.1:${await freePort()}/a.git`;
    await expect(load({ repo }, {}, observed)).rejects.toMatchObject({ code: "network.unreachable" });
    expect(observed.retries.length).toBeGreaterThan(1);
  });

  it("of a name that does not resolve is named", async () => {
    const observed = observedTransfer({ policy: { ...QUICK_RETRIES, budgetMs: 300 } });
    await expect(load({ repo: "http://skein.invalid/a.git" }, {}, observed)).rejects.toMatchObject({
      code: "network.dns",
    });
    expect(observed.retries.length).toBeGreaterThan(0);
  });

  it("that never comes is given up on, and tried again", async () => {
    const observed = observedTransfer({ policy: { ...QUICK_RETRIES, budgetMs: 300 } });
    const options = { ...settingsFrom({}), stallTimeoutMs: 200 };
    const repo = `http://${await startSilentServer()}/a.git`;
    await expect(load({ repo }, options, observed)).rejects.toMatchObject({
      code: "transfer.stalled",
      message: expect.stringContaining("the server has said nothing for "),
    });
    expect(observed.transfer.tally.stalledMs).toBeGreaterThan(200);
    expect(observed.retries.length).toBeGreaterThan(0);
  });

  it("of a server that falls silent in the middle of the objects is recovered from", async () => {
    await using server = await startGitServer(root, { isOld: true });
    let stalls = 1;
    await using proxy = await startFaultProxy(server.url.slice("http://".length), ({ method }) =>
      method === "POST" && stalls-- > 0 ? { type: "stall", afterBytes: 1000 } : undefined,
    );
    const options = { ...settingsFrom({}), stallTimeoutMs: 1500 };
    await using loaded = await load({ repo: `http://${proxy.endpoint}${path}` }, options);
    expect(await loaded.text("a.txt")).toBe("one\n");
    expect(loaded.observed.retries.map(({ code }) => code)).toEqual(["transfer.stalled"]);
  });
});

describe("over TLS", () => {
  const tls = { key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE };

  const withAuthority = async (use: (file: string) => Promise<void>) => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "authority.pem");
    await writeFile(file, LOOPBACK_CERTIFICATE);
    await use(file);
  };

  it("a server of an unknown authority is not trusted", async () => {
    await withServer({ tls }, async (repo) => {
      await expect(load({ repo })).rejects.toMatchObject({
        code: "network.tls",
        remedy: expect.stringMatching(/SSL_CERT_FILE, .*SSL_CERT_DIR .*insecureSkipTLS/),
      });
    });
  });

  it.each(["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"])(
    "a server is trusted when %s names its authority",
    async (variable) => {
      await withAuthority(async (file) => {
        await withServer({ tls }, async (repo) => {
          await using loaded = await load({ repo }, settingsFrom({ [variable]: file }));
          expect(await loaded.text("a.txt")).toBe("one\n");
        });
      });
    },
  );

  it("a server is trusted when a file of a directory in SSL_CERT_DIR is its authority, whatever it is called", async () => {
    await withAuthority(async (file) => {
      await withServer({ tls }, async (repo) => {
        const settings = settingsFrom({ SSL_CERT_DIR: `/missing:${dirname(file)}` });
        await using loaded = await load({ repo }, settings);
        expect(await loaded.text("a.txt")).toBe("one\n");
      });
    });
  });

  it("further authorities stand beside the system's", async () => {
    await withAuthority(async (file) => {
      await using directory = await temporaryDirectory();
      const system = join(directory.path, "system.pem");
      await writeFile(system, "# none yet\n");
      await withServer({ tls }, async (repo) => {
        const settings = settingsFrom({ SSL_CERT_FILE: system, NODE_EXTRA_CA_CERTS: file });
        await using loaded = await load({ repo }, settings);
        expect(await loaded.text("a.txt")).toBe("one\n");
      });
    });
  });

  it("insecureSkipTLS trusts the repository's server, and no other that a submodule is on", async () => {
    await withServer({ tls }, async (repo) => {
      await using loaded = await load({ repo, insecureSkipTLS: true });
      expect(await loaded.text("a.txt")).toBe("one\n");
      await using parent = await createGitRepository();
      await parent.commit("with a submodule", {
        ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ${repo}\n`,
      });
      const commit = (await repository.git("rev-parse", "main")).trim();
      await parent.git("update-index", "--add", "--cacheinfo", `160000,${commit},x`);
      await parent.git("commit", "--quiet", "-m", "gitlink");
      await using other = await startGitServer(parent.path, { tls });
      await expect(load({ repo: `${other.url}/.git`, insecureSkipTLS: true })).rejects.toMatchObject({
        code: "network.tls",
        message: expect.stringContaining("failed to update submodules: x from https://"),
      });
    });
  });
});

describe("a proxy", () => {
  it.each(["http_proxy", "HTTP_PROXY"])("of %s is used", async (variable) => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const at: GitLocation = { repo: "http://far.invalid/a.git" };
      await expect(load(at, settingsFrom({ [variable]: url }))).rejects.toMatchObject({
        code: "git.repository_not_found",
      });
      expect(asked[0]).toMatch(/^http:\/\/far\.invalid\/a\.git\/info\/refs/);
    } finally {
      proxy.close();
    }
  });
});
