import { ArtifactError } from "@skein/contract";
import type { Transfer } from "../transfer.ts";
import { type StallOptions, watchStalls, withinStallTime } from "../watch-stalls.ts";
import { requestFollowing } from "./follow-redirects.ts";
import type { HttpAnswer } from "./http-client.ts";
import type { HttpAccess } from "./http-credentials.ts";
import { printable, refusedByServer, translateHttpError } from "./http-errors.ts";

export interface Download extends HttpAccess {
  url: URL;
  transfer: Transfer;
  stallTimeoutMs: number;
  /** So is one that delivers less than this for as long. Default 0. */
  minBytesPerSecond?: number;
}

interface Attempt {
  answer: HttpAnswer;
  stall: StallOptions;
}

/** The content of a URL. The request has succeeded when this resolves; the bytes are still to come. */
export async function openDownload(
  download: Download,
): Promise<{ sizeBytes: number | undefined; stream: AsyncGenerator<Uint8Array> }> {
  const first = await download.transfer.retry(() => ask(download, {}));
  const length = first.answer.headers["content-length"];
  const sizeBytes = length === undefined ? undefined : Number(length);
  return { sizeBytes, stream: deliver(download, first, sizeBytes) };
}

async function* deliver(
  download: Download,
  first: Attempt,
  sizeBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  const { transfer, url } = download;
  const retrier = transfer.retrier();
  const validator = validatorOf(first.answer);
  let received = 0;
  let attempt = first;
  for (;;) {
    try {
      for await (const chunk of metered(attempt, download)) {
        received += chunk.byteLength;
        retrier.progressed();
        yield chunk;
      }
      if (sizeBytes === undefined || received === sizeBytes) return;
      throw interrupted(`${printable(url)} ended after ${received} of ${sizeBytes} bytes`);
    } catch (error) {
      transfer.signal.throwIfAborted();
      const reason = translateHttpError(error, `loading content from ${printable(url)}`);
      // Without a way to ask for the rest of the same content, the error stays transient for whoever can start anew.
      if (validator === undefined || !(reason instanceof ArtifactError) || !reason.transient) throw reason;
      await retrier.failed(reason);
      attempt = await askForRest(download, received, validator);
    }
  }
}

async function* metered({ answer, stall }: Attempt, { transfer }: Download): AsyncGenerator<Uint8Array> {
  const chunks = watchStalls(answer.body, stall);
  try {
    for (;;) {
      const next = await transfer.clock.during("network", () => chunks.next());
      if (next.done) return;
      transfer.tally.bytes += next.value.byteLength;
      yield next.value;
    }
  } finally {
    await chunks.return(undefined);
  }
}

async function askForRest(download: Download, fromByte: number, validator: string): Promise<Attempt> {
  const { transfer } = download;
  const rest = await transfer.retry(() =>
    ask(download, { range: `bytes=${fromByte}-`, "if-range": validator }),
  );
  const range = rest.answer.headers["content-range"] ?? "";
  if (rest.answer.status === 206 && range.startsWith(`bytes ${fromByte}-`)) return rest;
  rest.answer.discard();
  throw interrupted(`${printable(download.url)} has changed, or the server does not continue downloads`);
}

async function ask(download: Download, more: Record<string, string>): Promise<Attempt> {
  const { client, headers, url, transfer, stallTimeoutMs, minBytesPerSecond = 0 } = download;
  const doing = `loading content from ${printable(url)}`;
  const own = new AbortController();
  const stall: StallOptions = {
    timeoutMs: stallTimeoutMs,
    minBytesPerSecond,
    what: printable(url),
    abort: (reason) => own.abort(reason),
    onStall: (ms) => {
      transfer.tally.stalledMs += ms;
    },
  };
  try {
    const answer = await transfer.firstByte(() =>
      withinStallTime(
        () =>
          requestFollowing(client, {
            method: "GET",
            url,
            // Encoded content would be another artifact than the one that was stored.
            headers: { "accept-encoding": "identity", ...headers, ...more },
            signal: AbortSignal.any([transfer.signal, own.signal]),
          }),
        stall,
      ),
    );
    transfer.tally.streams = Math.max(1, transfer.tally.streams);
    if (answer.status >= 200 && answer.status <= 299) return { answer, stall };
    answer.discard();
    throw refusedByServer(doing, answer);
  } catch (error) {
    transfer.signal.throwIfAborted();
    throw translateHttpError(error, doing);
  }
}

/** What `If-Range` takes: a strong ETag, else a date. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
function validatorOf({ headers }: HttpAnswer): string | undefined {
  const { etag } = headers;
  if (headers["accept-ranges"] === "none") return undefined;
  return etag !== undefined && !etag.startsWith("W/") ? etag : headers["last-modified"];
}

function interrupted(message: string): ArtifactError {
  return new ArtifactError(message, { code: "transfer.interrupted", transient: true });
}
