import { ArtifactError } from "@skein/contract";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";
import { printable } from "./http-errors.ts";

/** As Go's client, which upstream uses. */
const MAX_REDIRECTS = 10;
/** Headers that let somebody in; another host must not get them. */
const CREDENTIAL = /auth|cookie|token|secret|key|credential/i;

export type RedirectableRequest = Omit<HttpRequest, "body"> & {
  /** Begins the body; called again for the place it has to go to instead. */
  body?: () => AsyncIterable<Uint8Array>;
};

/** Sends a request where it is wanted. A body is sent anew for 307 and 308 only: others would turn it into a GET. */
export async function requestFollowing(
  client: HttpClient,
  request: RedirectableRequest,
): Promise<HttpAnswer> {
  let { url, headers } = request;
  for (let redirects = 0; ; redirects++) {
    const { method, signal, body } = request;
    const answer = await client.request({ method, url, headers, signal, ...(body && { body: body() }) });
    const next = redirectTarget(answer, url);
    if (next === undefined) return answer;
    answer.discard();
    if (redirects === MAX_REDIRECTS) {
      throw refused(`stopped after ${MAX_REDIRECTS} redirects, the last to ${printable(next)}`);
    }
    if (next.protocol !== "http:" && next.protocol !== "https:") {
      throw refused(`${printable(url)} redirects to ${next.protocol}, which is not http`);
    }
    if (method !== "GET" && answer.status !== 307 && answer.status !== 308) {
      throw refused(
        `${printable(url)} redirects a ${method} with ${answer.statusLine} to ${printable(next)}`,
      );
    }
    if (next.origin !== url.origin) headers = withoutCredentials(headers);
    url = next;
  }
}

function redirectTarget({ status, headers }: HttpAnswer, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const { location } = headers;
  if (!location || !URL.canParse(location, from.href)) return undefined;
  return new URL(location, from);
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIAL.test(name)));
}

function refused(message: string): ArtifactError {
  return new ArtifactError(message, { code: "http.status" });
}
