import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, earlier: number) => void;

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

const QUICK = { EXECUTOR_RETRY_BACKOFF_DURATION: "10ms", SKEIN_RETRY_BUDGET_SECONDS: "1" };

const loadsHttp = (url: string, http: object = {}, more: Partial<PodRequest> = {}): PodRequest => ({
  template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/tmp/a", http: { url, ...http } }] } },
  absent: ["wait", "main"],
  env: QUICK,
  ...more,
});

const savesHttp = (url: string, http: object = {}, more: Partial<PodRequest> = {}): PodRequest => ({
  template: {
    container: {},
    outputs: {
      artifacts: [{ name: "o", path: "/tmp/o", archive: { none: {} }, http: { url: `${url}/o`, ...http } }],
    },
  },
  argv: ["sh", "-c", "echo output >/tmp/o"],
  env: QUICK,
  ...more,
});

/** One pod against one server of its own. */
function withServer(
  statement: string,
  answer: Answer,
  request: (url: string) => PodRequest,
  check: (end: PodEnd, seen: Seen[], url: string) => void,
): ConformanceCase {
  return {
    section: "12.3",
    statement,
    run: async (cluster) => {
      const seen: Seen[] = [];
      const server = createServer((incoming, response) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () => {
          const { method, url, headers } = incoming;
          seen.push({ method, url, headers, body: Buffer.concat(chunks).toString("utf8") });
          answer(incoming, response, seen.length - 1);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        check(await runPod(cluster, request(url)), seen, url);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

const says =
  (status: number, body = "", headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, headers).end(body);

function loaded(end: PodEnd, text: string): void {
  expect(end.init.exitCode, end.init.log).toBe(0);
  expect(readFileSync(end.input("a"), "utf8")).toBe(text);
}
function refused(end: PodEnd, message: RegExp): void {
  expect(end.init.exitCode).toBe(64);
  expect(end.init.terminationMessage).toMatch(message);
  expect(existsSync(end.input("a"))).toBe(false);
}

const BASIC = {
  auth: {
    basicAuth: {
      usernameSecret: { name: "web", key: "user" },
      passwordSecret: { name: "web", key: "password" },
    },
  },
};
const BASIC_SECRETS = { secrets: { "web/user": "me", "web/password": "canary-http-password" } };
const BASIC_HEADER = `Basic ${btoa("me:canary-http-password")}`;

const loading: ConformanceCase[] = [
  withServer(
    "an artifact is what GET on its url gives",
    says(200, "content"),
    (url) => loadsHttp(`${url}/a/b?c=d`),
    (end, seen) => {
      loaded(end, "content");
      expect(seen.map(({ method, url }) => [method, url])).toEqual([["GET", "/a/b?c=d"]]);
    },
  ),
  withServer(
    "headers of the artifact are sent, also several of one name",
    says(200, "x"),
    (url) =>
      loadsHttp(url, {
        headers: [
          { name: "X-One", value: "1" },
          { name: "accept", value: "a/b" },
          { name: "Accept", value: "c/d" },
        ],
      }),
    (end, [request]) => {
      loaded(end, "x");
      expect(request?.headers).toMatchObject({ "x-one": "1", accept: "a/b, c/d" });
    },
  ),
  withServer(
    "user and password from secrets become basic authentication",
    says(200, "x"),
    (url) => loadsHttp(url, BASIC, BASIC_SECRETS),
    (end, [request]) => {
      loaded(end, "x");
      expect(request?.headers.authorization).toBe(BASIC_HEADER);
    },
  ),
  withServer(
    "an empty password sends no authentication",
    says(200, "x"),
    (url) => loadsHttp(url, BASIC, { secrets: { "web/user": "me", "web/password": "" } }),
    (end, [request]) => {
      loaded(end, "x");
      expect(request?.headers.authorization).toBeUndefined();
    },
  ),
  withServer(
    "client credentials are changed for a token, which is sent",
    (request, response) =>
      request.url === "/token"
        ? response
            .writeHead(200, { "content-type": "application/json" })
            .end(JSON.stringify({ access_token: "canary-token", token_type: "Bearer" }))
        : response.writeHead(200).end("x"),
    (url) =>
      loadsHttp(
        url,
        {
          auth: {
            oauth2: {
              clientIDSecret: { name: "web", key: "id" },
              clientSecretSecret: { name: "web", key: "secret" },
              tokenURLSecret: { name: "web", key: "url" },
              scopes: ["one", "two"],
              endpointParams: [{ key: "audience", value: "us" }],
            },
          },
        },
        { secrets: { "web/id": "client", "web/secret": "canary-client-secret", "web/url": `${url}/token` } },
      ),
    (end, seen) => {
      loaded(end, "x");
      const form = new URLSearchParams(seen[0]?.body);
      expect(Object.fromEntries(form)).toMatchObject({
        grant_type: "client_credentials",
        scope: "one two",
        audience: "us",
      });
      expect(seen.at(-1)?.headers.authorization).toBe("Bearer canary-token");
    },
  ),
  withServer(
    "redirects are followed",
    (request, response) =>
      request.url === "/there"
        ? response.writeHead(200).end("there")
        : response.writeHead(302, { location: "/there" }).end(),
    (url) => loadsHttp(`${url}/here`),
    (end) => loaded(end, "there"),
  ),
  withServer(
    "redirects that do not end are an error",
    says(302, "", { location: "/again" }),
    (url) => loadsHttp(url),
    (end) => refused(end, /^artifact a failed to load: .*redirect/),
  ),
  withServer(
    "404 fails a required artifact with its url",
    says(404),
    (url) => loadsHttp(`${url}/f`),
    (end) => refused(end, /^artifact a failed to load: .*http:\/\/127\.0\.0\.1:\d+\/f.*404/),
  ),
  withServer(
    "404 skips an optional artifact",
    says(404),
    (url) => {
      const request = loadsHttp(url);
      const [artifact] = request.template.inputs?.artifacts ?? [];
      if (artifact) artifact.optional = true;
      return request;
    },
    (end) => {
      expect(end.init.exitCode, end.init.log).toBe(0);
      expect(existsSync(end.input("a"))).toBe(false);
    },
  ),
  withServer(
    "another refusal has upstream's words and the status",
    says(403, "no"),
    (url) => loadsHttp(`${url}/f`),
    (end) =>
      refused(
        end,
        /^artifact a failed to load: loading content from http:\/\/127\.0\.0\.1:\d+\/f failed with reason: 403 /,
      ),
  ),
  withServer(
    "503 is tried again",
    (_request, response, earlier) => response.writeHead(earlier === 0 ? 503 : 200).end("x"),
    (url) => loadsHttp(url),
    (end) => loaded(end, "x"),
  ),
  withServer(
    "a body that ends before its length is no artifact",
    (request, response) => {
      response.writeHead(200, { "content-length": "100" }).write("part of it");
      setTimeout(() => request.socket.destroy(), 50);
    },
    (url) => loadsHttp(url),
    (end) => refused(end, /^artifact a failed to load: /),
  ),
  withServer(
    "a downloaded file can be read by everybody",
    says(200, "x"),
    (url) => ({ ...loadsHttp(url), absent: [], argv: ["sh", "-c", 'test "$(stat -c %a /tmp/a)" = 666'] }),
    (end) => expect(end.main?.exitCode, end.main?.log).toBe(0),
  ),
];

function saved(end: PodEnd): void {
  expect(end.wait?.exitCode, end.wait?.log).toBe(0);
}

const saving: ConformanceCase[] = [
  withServer(
    "an artifact is saved with PUT to its url",
    says(201),
    (url) => savesHttp(url),
    (end, seen) => {
      saved(end);
      expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([["PUT", "/o", "output\n"]]);
    },
  ),
  withServer(
    "the report has the url as the template has it",
    says(200),
    (url) => savesHttp(url),
    (end, _seen, url) =>
      expect(end.result?.outputs?.artifacts).toEqual([
        { name: "o", path: "/tmp/o", archive: { none: {} }, http: { url: `${url}/o` } },
      ]),
  ),
  withServer(
    "saving sends the artifact's headers and authentication",
    says(200),
    (url) => savesHttp(url, { ...BASIC, headers: [{ name: "X-One", value: "1" }] }, BASIC_SECRETS),
    (end, [request]) => {
      saved(end);
      expect(request?.headers).toMatchObject({ "x-one": "1", authorization: BASIC_HEADER });
    },
  ),
  withServer(
    "a redirect that keeps the method gets the body again",
    (request, response) =>
      request.url === "/there"
        ? response.writeHead(201).end()
        : response.writeHead(307, { location: "/there" }).end(),
    (url) => savesHttp(url),
    (end, seen) => {
      saved(end);
      expect(seen.at(-1)).toMatchObject({ method: "PUT", url: "/there", body: "output\n" });
    },
  ),
  withServer(
    "a refused PUT has upstream's words and the status",
    says(403, "no"),
    (url) => savesHttp(url),
    (end) => {
      expect(end.wait?.exitCode).toBe(64);
      expect(end.wait?.terminationMessage).toMatch(
        /^artifact o failed to save: saving to http:\/\/127\.0\.0\.1:\d+\/o failed with reason: 403 /,
      );
    },
  ),
  withServer(
    "a directory cannot be saved by http without an archive; the text says so",
    says(201),
    (url) => ({ ...savesHttp(url), argv: ["sh", "-c", "mkdir /tmp/o; echo 1 >/tmp/o/f"] }),
    (end, seen) => {
      expect(end.wait?.exitCode).toBe(64);
      expect(end.wait?.terminationMessage).toMatch(/directory/);
      expect(seen).toEqual([]);
    },
  ),
];

const artifactory: ConformanceCase[] = [
  withServer(
    "artifactory is http with user and password",
    says(200, "x"),
    (url) => ({
      ...loadsHttp(url),
      template: {
        container: {},
        inputs: {
          artifacts: [
            { name: "a", path: "/tmp/a", artifactory: { url: `${url}/repo/a`, ...BASIC.auth.basicAuth } },
          ],
        },
      },
      ...BASIC_SECRETS,
    }),
    (end, [request]) => {
      loaded(end, "x");
      expect(request).toMatchObject({ url: "/repo/a", headers: { authorization: BASIC_HEADER } });
    },
  ),
];

conformance("http and artifactory", [...loading, ...saving, ...artifactory]);
