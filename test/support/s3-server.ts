import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { get as getTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";

/** A real S3 server on loopback, its buckets directories of `root`. */
export interface S3Server extends AsyncDisposable {
  /** `127.0.0.1:port`, as an Argo location names it. */
  endpoint: string;
  accessKey: string;
  secretKey: string;
  /** Every directory in it is a bucket, every file in that an object. */
  root: string;
  bucket: string;
}

export interface S3ServerOptions {
  /** Made before the server is ready. Default `artifacts`. */
  bucket?: string;
  /** Where the buckets are kept; default a temporary directory that goes away with the server. */
  root?: string;
  /** More flags for versitygw. */
  flags?: readonly string[];
  /** The flags make it speak TLS. */
  tls?: boolean;
}

const VERSITYGW = fileURLToPath(new URL("../../.tools/bin/versitygw", import.meta.url));
const ACCESS_KEY = "skein-test";
const SECRET_KEY = "skein-test-secret";
const START_TIMEOUT_MS = 15_000;
const POLL_MS = 10;

/** Starts versitygw (https://github.com/versity/versitygw) with its POSIX back end. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  if (!existsSync(VERSITYGW)) {
    throw new Error(`the tests need a real S3 server, and ${VERSITYGW} is not there: run \`make setup\``);
  }
  const { bucket = "artifacts", flags = [], tls = false } = options;
  const root = options.root ?? (await mkdtemp(join(tmpdir(), "skein-s3-")));
  await mkdir(join(root, bucket), { recursive: true });
  const { child, port } = await startOnFreePort(root, flags, tls);
  return {
    endpoint: `127.0.0.1:${port}`,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    root,
    bucket,
    async [Symbol.asyncDispose]() {
      await stop(child);
      if (options.root === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}

/** versitygw does not say which port it got for 0, so one is chosen here; another process may be faster. */
async function startOnFreePort(root: string, flags: readonly string[], tls: boolean) {
  let output = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = await freePort();
    const args = ["--port", `127.0.0.1:${port}`, "--health", "/health", "--keep-alive", "--quiet", ...flags];
    const child = spawn(VERSITYGW, [...args, "posix", root], {
      env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
      stdio: ["ignore", "pipe", "pipe"],
    });
    output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    if (await isReady(child, port, tls)) return { child, port };
    await stop(child);
  }
  throw new Error(`versitygw did not start: ${output}`);
}

async function isReady(child: ChildProcess, port: number, tls: boolean): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    if (await answers(port, tls)) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

function answers(port: number, tls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const url = `${tls ? "https" : "http"}://127.0.0.1:${port}/health`;
    // Whether its certificate is to be trusted is the test's business.
    const options = { rejectUnauthorized: false, agent: false as const };
    const request = (tls ? getTls : get)(url, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on("error", () => resolve(false));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
