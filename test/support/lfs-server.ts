import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Why there can be no LFS here; undefined when there can. */
export function whyNoLfs(): string | undefined {
  try {
    execFileSync("git-lfs", ["version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "git-lfs is not there: apt-get install git-lfs";
  }
}

/** What a repository has in the place of a large file (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md). */
export function lfsPointer(content: Buffer): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(content)}\nsize ${content.byteLength}\n`;
}

export interface LfsServer {
  /** Answers what is asked below `/info/lfs` of any repository; for a server of git. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The objects that were given away, in order. */
  given: string[];
  /** The credentials that came, in order. */
  authorizations: (string | undefined)[];
}

export interface LfsServerOptions {
  contents: readonly Buffer[];
  /** Wanted of every question what there is, when given. */
  username?: string;
  password?: string;
  /** May answer instead; then it returns true. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** The batch API with the basic transfer, for downloads (git-lfs/docs/api). */
export function createLfsServer(options: LfsServerOptions): LfsServer {
  const { contents, username, password } = options;
  const objects = new Map(contents.map((content) => [oidOf(content), content]));
  const wanted = username || password ? `Basic ${btoa(`${username}:${password}`)}` : undefined;
  const given: string[] = [];
  const authorizations: LfsServer["authorizations"] = [];
  return {
    given,
    authorizations,
    intercept(request, response) {
      const url = request.url ?? "";
      if (!url.includes("/info/lfs/")) return false;
      if (options.intercept?.(request, response)) return true;
      const oid = /\/info\/lfs\/objects\/([0-9a-f]{64})$/.exec(url)?.[1];
      if (oid !== undefined) {
        given.push(oid);
        const content = objects.get(oid);
        response.writeHead(content ? 200 : 404).end(content);
        return true;
      }
      authorizations.push(request.headers.authorization);
      if (wanted !== undefined && request.headers.authorization !== wanted) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="lfs"', ...JSON_TYPE }).end("{}");
        return true;
      }
      void answerBatch(request, response, objects);
      return true;
    },
  };
}

const JSON_TYPE = { "content-type": "application/vnd.git-lfs+json" };

async function answerBatch(
  request: IncomingMessage,
  response: ServerResponse,
  objects: ReadonlyMap<string, Buffer>,
): Promise<void> {
  let body = "";
  for await (const chunk of request) body += chunk;
  const asked = JSON.parse(body) as { objects: { oid: string; size: number }[] };
  const base = `http://${request.headers.host}${request.url?.replace(/\/batch$/, "")}`;
  const answers = asked.objects.map(({ oid, size }) =>
    objects.has(oid)
      ? { oid, size, actions: { download: { href: `${base}/${oid}` } } }
      : { oid, size, error: { code: 404, message: "Object does not exist" } },
  );
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ transfer: "basic", objects: answers }));
}

function oidOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
