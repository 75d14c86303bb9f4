import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabSetupError } from "../errors.ts";
import { findProgram, leash } from "../sandbox/tools.ts";

/** What it takes to reach a bucket. */
export interface S3Access {
  /** `host:port`, without a scheme, as Argo's `endpoint` has it. */
  endpoint: string;
  insecure: boolean;
  bucket: string;
  accessKey: string;
  secretKey: string;
}

export interface S3Server extends S3Access {
  close(): Promise<void>;
}

const BUCKET = "lab";
const START_TIMEOUT_MS = 10_000;
/** Between two tries to connect to a server that is starting; it takes about 50 ms. */
const RETRY_MS = 10;
/** A free port may be taken by somebody else before the server has it. */
const ATTEMPTS = 3;

/**
 * Starts versitygw over a directory, on a free loopback port, with credentials of its own and one empty bucket.
 *
 * @param directory must exist; the bucket's objects are files in it
 * @throws LabSetupError when the program is missing or does not come up
 */
export async function startS3Server(program: string, directory: string): Promise<S3Server> {
  mkdirSync(join(directory, "data", BUCKET), { recursive: true });
  const accessKey = `lab${randomBytes(8).toString("hex")}`;
  const secretKey = randomBytes(20).toString("hex");
  const logFile = join(directory, "versitygw.log");
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    const child = startProgram(program, join(directory, "data"), { port, accessKey, secretKey, logFile });
    const stopped = stop(child);
    if (await comesUp(child, port)) {
      return {
        endpoint: `127.0.0.1:${port}`,
        insecure: true,
        bucket: BUCKET,
        accessKey,
        secretKey,
        close: stopped,
      };
    }
    await stopped();
    if (attempt >= ATTEMPTS) {
      throw new LabSetupError(`the S3 server ${program} does not start: ${lastLines(logFile)}`);
    }
  }
}

function startProgram(
  program: string,
  data: string,
  options: { port: number; accessKey: string; secretKey: string; logFile: string },
): ChildProcess {
  const log = openSync(options.logFile, "a");
  try {
    const address = `127.0.0.1:${options.port}`;
    const [first = program, ...words] = [...leash(findProgram("setpriv", undefined)), program];
    const child = spawn(first, [...words, "--port", address, "--quiet", "--keep-alive", "posix", data], {
      // Not on the command line, where every user of the machine could read them.
      env: { ROOT_ACCESS_KEY_ID: options.accessKey, ROOT_SECRET_ACCESS_KEY: options.secretKey },
      stdio: ["ignore", log, log],
      detached: true, // Ctrl-C in the terminal is for the lab, which stops the pods before their store
    });
    child.on("error", () => undefined); // told by `comesUp`, which sees a process without a pid
    return child;
  } finally {
    closeSync(log);
  }
}

function stop(child: ChildProcess): () => Promise<void> {
  const kill = (): void => void child.kill("SIGKILL");
  process.on("exit", kill);
  return async () => {
    process.off("exit", kill);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    // Nothing of it is needed afterwards, and what it has acknowledged is on disk.
    child.kill("SIGKILL");
    await ended;
  };
}

async function comesUp(child: ChildProcess, port: number): Promise<boolean> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(RETRY_MS)) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    if (await accepts(port)) return true;
  }
  return false;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // refused: not listening yet
  } finally {
    socket.destroy();
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").trim().split("\n").slice(-3).join(" | ");
}

/**
 * Reads `http://ACCESS:SECRET@HOST:PORT/BUCKET`.
 *
 * @throws LabSetupError that says what is missing, without the credentials
 */
export function parseS3Url(text: string): S3Access {
  const shape = "http://ACCESS_KEY:SECRET_KEY@HOST:PORT/BUCKET";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new LabSetupError(`--s3 must look like ${shape}`);
  const bucket = decodeURIComponent(url.pathname.replace(/^\/|\/$/g, ""));
  const missing = [
    ...(url.username === "" ? ["the access key"] : []),
    ...(url.password === "" ? ["the secret key"] : []),
    ...(bucket === "" || bucket.includes("/") ? ["one bucket as the path"] : []),
  ];
  if (missing.length > 0)
    throw new LabSetupError(`--s3 must look like ${shape}; it lacks ${missing.join(", ")}`);
  return {
    endpoint: url.host,
    insecure: url.protocol === "http:",
    bucket,
    accessKey: decodeURIComponent(url.username),
    secretKey: decodeURIComponent(url.password),
  };
}
