import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { createGitRepository, type GitRepository } from "../../test/support/git-repository.ts";
import { startGitServer } from "../../test/support/git-server.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../test/support/loopback-certificate.ts";
import { startSshServer, whyNoSshServer } from "../../test/support/ssh-server.ts";
import type { RunOptions } from "./engine.ts";

type Run = (options: RunOptions) => Promise<string>;

/** Of the repository and its submodule. */
const FILES = {
  "outer.txt": Buffer.from("of the repository\n"),
  "wide.txt": Buffer.from("in another encoding than git keeps it\n", "utf16le"),
  "sub/inner.txt": Buffer.from("of the submodule\n"),
};
const LARGE = "what LFS keeps elsewhere\n".repeat(1000);

/**
 * Loads repositories inside containers from servers of this machine: with a password over https that a private authority
 * vouches for, over ssh with a key, both with a submodule, and large files.
 *
 * @param run runs a container of the init image; rejects when it fails
 * @throws Error when something did not arrive
 */
export async function checkTransfers(run: Run, users: readonly number[]): Promise<void> {
  await using repository = await createGitRepository();
  await using submodule = await createGitRepository();
  await fill(repository, submodule);
  await using pods = await createPods(run);
  for (const user of users) {
    await overHttps(pods, repository, user);
    if (whyNoSshServer() === undefined) await overSsh(pods, repository, user);
    await largeFiles(pods, repository, user);
  }
}

/** Submodules are named by where they are beside the repository, which holds for every transport. */
async function fill(repository: GitRepository, submodule: GitRepository): Promise<void> {
  await submodule.commit("Begin", { "inner.txt": FILES["sub/inner.txt"] });
  await repository.git("submodule", "--quiet", "add", submodule.path, "sub");
  const url = `../../${basename(submodule.path)}/.git`;
  await repository.git("config", "--file", ".gitmodules", "submodule.sub.url", url);
  const oid = createHash("sha256").update(LARGE).digest("hex");
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${LARGE.length}\n`;
  await repository.commit("Begin", {
    "outer.txt": FILES["outer.txt"],
    "wide.txt": FILES["wide.txt"],
    ".gitattributes": "large.txt filter=lfs\nwide.txt text working-tree-encoding=UTF-16LE\n",
    "large.txt": pointer,
  });
  // sshd and the server of http run as root, and other users' repositories are none of git's business.
  for (const { path } of [repository, submodule]) await chmod(path, 0o755);
}

interface Pods extends AsyncDisposable {
  /** Loads the artifact with `argoexec init` and expects the files of the repository and its submodule. */
  load(
    user: number,
    git: Record<string, unknown>,
    secrets: Record<string, string>,
    files?: Record<string, string>,
  ): Promise<void>;
  run: Run;
  directory(name: string): Promise<string>;
}

async function createPods(run: Run): Promise<Pods> {
  const root = await mkdtemp(join(tmpdir(), "skein-image-pods-"));
  await chmod(root, 0o755);
  let count = 0;
  const directory = async (name: string): Promise<string> => {
    const path = join(root, String(count++), name);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
    return path;
  };
  const put = async (path: string, content: string): Promise<string> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  };
  return {
    run,
    directory,
    async load(user, git, secrets, files = {}) {
      const inputs = await directory("inputs");
      const own = await directory("own");
      const mounts: Record<string, string> = {
        "/var/run/argo": await directory("shared"),
        "/argo/inputs/artifacts": inputs,
        "/argo/secret/git": join(own, "secret"),
      };
      for (const [key, value] of Object.entries(secrets)) await put(join(own, "secret", key), value);
      for (const [path, text] of Object.entries(files)) mounts[path] = `${await put(join(own, path), text)}`;
      const template = { name: "t", inputs: { artifacts: [{ name: "source", path: "/src", git }] } };
      await run({
        argv: ["argoexec", "init"],
        user,
        mounts,
        env: { ...ENVIRONMENT, ARGO_TEMPLATE: JSON.stringify(template) },
      });
      for (const [file, wanted] of Object.entries(FILES)) {
        const found = await readFile(join(inputs, "source", file));
        if (!found.equals(wanted))
          throw new Error(`${file} came as ${JSON.stringify(found.toString("latin1"))}`);
      }
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

const ENVIRONMENT = {
  ARGO_CONTAINER_NAME: "init",
  ARGO_DEADLINE: "0001-01-01T00:00:00Z",
  ARGO_INCLUDE_SCRIPT_OUTPUT: "false",
  ARGO_NODE_ID: "try",
  ARGO_POD_NAME: "try",
  ARGO_POD_UID: "00000000-0000-4000-8000-000000000000",
  ARGO_WORKFLOW_NAME: "try",
  ARGO_WORKFLOW_UID: "00000000-0000-4000-8000-000000000000",
};

async function overHttps(pods: Pods, repository: GitRepository, user: number): Promise<void> {
  await using server = await startGitServer(dirname(repository.path), { username: "u", password: "p" });
  await using tls = await listen(
    createTlsServer({ cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_KEY }, (socket) => {
      const inner = connect(Number(new URL(server.url).port), "127.0.0.1");
      socket.pipe(inner).pipe(socket);
      for (const each of [socket, inner]) each.on("error", () => each.destroy());
    }),
  );
  await pods.load(
    user,
    {
      repo: `https://127.0.0.1:${tls.port}/${basename(repository.path)}/.git`,
      usernameSecret: { name: "git", key: "username" },
      passwordSecret: { name: "git", key: "password" },
    },
    { username: "u", password: "p" },
    { "/etc/ssl/certs/ca-certificates.crt": LOOPBACK_CERTIFICATE },
  );
}

async function overSsh(pods: Pods, repository: GitRepository, user: number): Promise<void> {
  await using server = await startSshServer();
  await pods.load(
    user,
    {
      repo: `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}/.git`,
      sshPrivateKeySecret: { name: "git", key: "key" },
    },
    { key: server.privateKey },
    { "/etc/ssh/ssh_known_hosts": server.knownHost },
  );
}

/** By git alone: whether it is asked for is the driver's business. */
async function largeFiles(pods: Pods, repository: GitRepository, user: number): Promise<void> {
  await using server = await startGitServer(dirname(repository.path));
  await using lfs = await listen(createLfsServer());
  const work = await pods.directory("work");
  const settings = {
    "lfs.url": `http://127.0.0.1:${lfs.port}`,
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
  };
  const config = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const url = `${server.url}/${basename(repository.path)}/.git`;
  await pods.run({
    argv: ["git", ...config, "clone", "--quiet", url, "/mainctrfs/clone"],
    user,
    mounts: { "/mainctrfs": work },
    env: { HOME: "/mainctrfs" },
  });
  const found = await readFile(join(work, "clone/large.txt"), "utf8");
  if (found !== LARGE) throw new Error(`git-lfs left ${JSON.stringify(found.slice(0, 100))}`);
}

/** As much of https://github.com/git-lfs/git-lfs/blob/main/docs/api as a download needs. */
function createLfsServer(): Server {
  return createHttpServer((request, response) => {
    if (request.method !== "POST") {
      response.end(LARGE);
      return;
    }
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { objects } = JSON.parse(body) as { objects: { oid: string; size: number }[] };
      const href = `http://${request.headers.host}/object`;
      const answers = objects.map((each) => ({ ...each, actions: { download: { href } } }));
      response.setHeader("content-type", "application/vnd.git-lfs+json");
      response.end(JSON.stringify({ transfer: "basic", objects: answers }));
    });
  });
}

async function listen(server: Server): Promise<{ port: number } & AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
