import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

/** Bytes that come so many times one after another. */
export interface Stretch {
  bytes: Uint8Array;
  times: number;
}

/** An object too large to be kept: it is written down as its stretches, in order. */
export type EndlessObject = readonly Stretch[];

export interface EndlessStore extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  endpoint: string;
  /** Bytes of all bodies that were sent to it. */
  receivedBytes(): number;
}

/**
 * A server that speaks as much of S3 as moving one object takes. It makes what is read from it and forgets what is written to
 * it, so that neither costs memory or disk. It checks no signatures, and its ETags are no digests.
 *
 * @param objects by path: `/bucket/key`
 */
export async function startEndlessStore(
  objects: Readonly<Record<string, EndlessObject>>,
): Promise<EndlessStore> {
  let receivedBytes = 0;
  const server = createServer((request, response) => {
    if (request.method === "GET" || request.method === "HEAD") return answerWith(objects, request, response);
    request.on("data", (chunk: Buffer) => {
      receivedBytes += chunk.byteLength;
    });
    request.on("end", () => acknowledge(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    receivedBytes: () => receivedBytes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerWith(
  objects: Readonly<Record<string, EndlessObject>>,
  { method, url = "", headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const object = objects[new URL(url, "http://store").pathname];
  if (!object) {
    response.writeHead(404, { "content-type": "application/xml" });
    response.end(
      "<Error><Code>NoSuchKey</Code><Message>it is not one of the endless objects</Message></Error>",
    );
    return;
  }
  const size = sizeOf(object);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  const first = Number(from ?? 0);
  const last = Math.min(Number(to ?? size - 1), size - 1);
  response.writeHead(from === undefined ? 200 : 206, {
    "content-length": String(last - first + 1),
    etag: '"endless"',
    ...(from !== undefined && { "content-range": `bytes ${first}-${last}/${size}` }),
  });
  if (method === "HEAD") response.end();
  else Readable.from(slice(object, first, last + 1), { objectMode: false }).pipe(response);
}

export function sizeOf(object: EndlessObject): number {
  return object.reduce((sum, { bytes, times }) => sum + bytes.byteLength * times, 0);
}

/** The bytes from `start` to before `end`, as views of the stretches. */
export function* slice(object: EndlessObject, start: number, end: number): Generator<Uint8Array> {
  let position = 0; // where the stretch begins
  for (const { bytes, times } of object) {
    const length = bytes.byteLength * times;
    for (let at = Math.max(start, position); at < Math.min(end, position + length); ) {
      const offset = (at - position) % bytes.byteLength;
      const view = bytes.subarray(offset, Math.min(bytes.byteLength, offset + end - at));
      yield view;
      at += view.byteLength;
    }
    position += length;
  }
}

/** Starting an upload and completing one are the two requests whose answers say something. */
function acknowledge({ method, url = "" }: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(url, "http://store");
  const xml = (text: string): void => void response.setHeader("content-type", "application/xml").end(text);
  if (method === "POST" && searchParams.has("uploads")) {
    xml("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>");
  } else if (method === "POST") {
    xml("<CompleteMultipartUploadResult><ETag>&quot;endless&quot;</ETag></CompleteMultipartUploadResult>");
  } else response.writeHead(method === "DELETE" ? 204 : 200, { etag: '"endless"' }).end();
}
