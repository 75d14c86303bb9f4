import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HostileStore extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  endpoint: string;
}

/**
 * An S3 server that lists any keys at all, also those that a server over plain files cannot have. It speaks what a load
 * asks for – HEAD, GET with a range, ListObjectsV2 – and looks at no signature.
 */
export async function startHostileStore(objects: Readonly<Record<string, string>>): Promise<HostileStore> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://store");
    const [, , ...key] = url.pathname.split("/");
    if (url.searchParams.get("list-type") === "2") list(url, objects, response);
    else send(objects[decodeURIComponent(key.join("/"))], request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(body: string | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (body === undefined) {
    response.writeHead(404, { "content-type": "application/xml" });
    response.end("<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>");
    return;
  }
  const bytes = Buffer.from(body);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const from = Number(range?.[1] ?? 0);
  const part = bytes.subarray(from, range ? Number(range[2]) + 1 : undefined);
  response.writeHead(range && bytes.length > 0 ? 206 : 200, {
    etag: '"hostile"',
    "content-length": part.length,
    ...(range &&
      bytes.length > 0 && {
        "content-range": `bytes ${from}-${from + part.length - 1}/${bytes.length}`,
      }),
  });
  response.end(request.method === "HEAD" ? undefined : part);
}

function list(url: URL, objects: Readonly<Record<string, string>>, response: ServerResponse): void {
  const prefix = url.searchParams.get("prefix") ?? "";
  const contents = Object.entries(objects)
    .filter(([key]) => key.startsWith(prefix))
    .map(
      ([key, body]) =>
        `<Contents><Key>${escaped(key)}</Key><Size>${Buffer.byteLength(body)}</Size></Contents>`,
    )
    .join("");
  response.writeHead(200, { "content-type": "application/xml" });
  response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
}

function escaped(text: string): string {
  return text.replace(/[&<>"\0]/g, (character) => `&#${character.charCodeAt(0)};`);
}
