import { ArtifactError, type Environment, getKey, type HttpLocation } from "@skein/contract";
import { ATTR } from "@skein/telemetry";
import type { ArtifactDriver, DriverName, StreamToSave } from "../driver.ts";
import type { SecretReader } from "../secret-reader.ts";
import type { Transfer } from "../transfer.ts";
import { requestFollowing } from "./follow-redirects.ts";
import { type HttpAccess, prepareAccess } from "./http-credentials.ts";
import { printable, refusedByServer, translateHttpError } from "./http-errors.ts";
import { type Download, openDownload } from "./resumable-download.ts";

export interface HttpDriverOptions {
  secrets: SecretReader;
  /** A connection that delivers nothing for this long is left. */
  stallTimeoutMs: number;
  /** So is one that delivers less than this for as long. Default 0. */
  minBytesPerSecond?: number;
  proxyEnv: Environment;
  /** How the driver is called in spans; Artifactory is spoken to in the same way. Default `http`. */
  name?: DriverName;
}

/**
 * Loads an artifact with GET and saves one with PUT. A broken download is continued where it stopped, if the server
 * can; otherwise its error is transient, and only a new beginning helps.
 *
 * @throws ArtifactError `http.status` for what is not an http URL
 */
export function createHttpDriver(at: HttpLocation, options: HttpDriverOptions): ArtifactDriver {
  const url = parseHttpUrl(at.url);
  let access: Promise<HttpAccess> | undefined;
  const prepare = ({ clock, signal }: Transfer): Promise<HttpAccess> => {
    const { secrets, proxyEnv } = options;
    access ??= clock.during("credentials", () => prepareAccess(at, { secrets, proxyEnv, signal }));
    return access;
  };
  return {
    name: options.name ?? "http",
    key: getKey({ http: at }),
    attributes: { [ATTR.serverAddress]: url.hostname },
    async open(transfer) {
      const { stallTimeoutMs, minBytesPerSecond = 0 } = options;
      const download: Download = {
        ...(await prepare(transfer)),
        url,
        transfer,
        stallTimeoutMs,
        minBytesPerSecond,
      };
      return { kind: "stream", ...(await openDownload(download)) };
    },
    async saveStream(stream, transfer) {
      const ready = await prepare(transfer);
      const alreadySent = transfer.tally.bytes;
      await transfer.retry(() => {
        transfer.tally.bytes = alreadySent;
        return put(ready, url, stream, transfer);
      });
    },
  };
}

async function put(
  { client, headers }: HttpAccess,
  url: URL,
  { open, sizeBytes }: StreamToSave,
  transfer: Transfer,
): Promise<void> {
  const { signal, clock, tally } = transfer;
  const doing = `saving to ${printable(url)}`;
  const length = sizeBytes === undefined ? undefined : { "content-length": String(sizeBytes) };
  const alreadySent = tally.bytes;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    tally.bytes = alreadySent; // a redirect asks for all of it again
    for await (const chunk of open()) {
      tally.bytes += chunk.byteLength;
      yield chunk;
    }
  };
  try {
    const answer = await transfer.stream(() =>
      clock.during("network", () =>
        requestFollowing(client, {
          method: "PUT",
          url,
          headers: { ...headers, ...length },
          body: counted,
          signal,
        }),
      ),
    );
    answer.discard();
    if (answer.status < 200 || answer.status > 299) throw refusedByServer(doing, answer);
  } catch (error) {
    signal.throwIfAborted();
    throw translateHttpError(error, doing);
  }
}

function parseHttpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new ArtifactError(`not an http or https URL: ${JSON.stringify(text.replace(/\/\/[^/@]*@/, "//"))}`, {
    code: "http.status",
  });
}
