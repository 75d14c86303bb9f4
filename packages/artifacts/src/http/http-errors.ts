import { ArtifactError } from "@skein/contract";
import { withoutUserInfo } from "../git/git-repository.ts";
import { translateNetworkError } from "../node-errors.ts";
import type { HttpAnswer } from "./http-client.ts";

/** Answers that say "later": https://www.rfc-editor.org/rfc/rfc9110#section-15 */
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Upstream's words (contract §12.3): `loading content from <url> failed with reason: <status>`. */
export function refusedByServer(doing: string, answer: HttpAnswer): ArtifactError {
  const { status, statusLine } = answer;
  const message = `${doing} failed with reason: ${statusLine}`;
  if (status === 404 || status === 410) return new ArtifactError(message, { code: "http.not_found" });
  if (status === 401 || status === 403) {
    return new ArtifactError(message, {
      code: "http.unauthorized",
      remedy: "check auth and headers of the artifact; a redirect to another host takes no credentials along",
    });
  }
  return new ArtifactError(message, { code: "http.status", ...(LATER.has(status) && { transient: true }) });
}

export function translateHttpError(error: unknown, doing: string): unknown {
  if (error instanceof ArtifactError) return error;
  return translateNetworkError(error, doing) ?? error;
}

/** For messages: no credentials and no query, which may be a signature. */
export function printable(url: URL): string {
  return withoutUserInfo(url.origin === "null" ? url.href : `${url.origin}${url.pathname}`);
}
