import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** git's own HTTP server over a directory of repositories. */
export interface GitServer extends AsyncDisposable {
  /** `http://127.0.0.1:port`, to be followed by a path below the directory. */
  url: string;
  /** Every request so far: `GET /a/.git/info/refs`. */
  requests: string[];
}

export interface GitServerOptions {
  /** Speaks the first version of the protocol, in which a server gives away only what it has named. */
  isOld?: boolean;
  /** Serves the files of the repositories, and no protocol: they want `git update-server-info`. */
  isDumb?: boolean;
  /** Speaks TLS. */
  tls?: { key: string; cert: string };
  /** Wanted of every request, when given. */
  username?: string;
  password?: string;
  /** May answer instead of git; then it returns true. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Serves all repositories below `root` with `git http-backend` (git-http-backend(1)). */
export async function startGitServer(root: string, options: GitServerOptions = {}): Promise<GitServer> {
  const { username = "", password = "", intercept, tls } = options;
  const wanted = username || password ? `Basic ${btoa(`${username}:${password}`)}` : undefined;
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url?.split("?")[0]}`);
    if (intercept?.(request, response)) return;
    if (wanted && request.headers.authorization !== wanted) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    if (options.isDumb) void serveFile(root, request, response);
    else serve(root, request, response, options.isOld);
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serveFile(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent(request.url?.split("?")[0] ?? "");
  const content = await readFile(join(root, path)).catch(() => undefined);
  response.writeHead(content ? 200 : 404).end(content);
}

function serve(root: string, request: IncomingMessage, response: ServerResponse, isOld = false): void {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: isOld ? "" : String(request.headers["git-protocol"] ?? ""),
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => {}); // git may answer before it has read all
  response.on("close", () => backend.kill());
  passCgiAnswer(backend.stdout, response);
}

/** CGI: headers, an empty line, the body. */
function passCgiAnswer(stdout: NodeJS.ReadableStream, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  stdout.on("data", function readHead(chunk: Buffer) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    stdout.off("data", readHead);
    const headers = head
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => line.split(/: (.*)/s));
    const status = headers.find(([name]) => name === "Status")?.[1];
    for (const [name = "", value = ""] of headers) if (name !== "Status") response.setHeader(name, value);
    response.writeHead(status ? Number.parseInt(status, 10) : 200);
    response.write(head.subarray(end + 4));
    stdout.pipe(response);
  });
}
