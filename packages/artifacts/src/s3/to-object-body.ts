import { ArtifactError } from "@skein/contract";
import type { ObjectBody } from "./object-store.ts";

/** What an answer to GetObject says, before it is looked at. */
export interface BodyFacts
  extends Pick<ObjectBody, "lengthBytes" | "etag" | "metadata" | "sha256" | "isEtagOpaque"> {
  contentRange: string | undefined;
  body: AsyncIterable<Uint8Array> & { destroy(): void };
}

/**
 * The body of an answer, if it is the one that was asked for.
 *
 * @throws ArtifactError `s3.bad_request` for a store, or a proxy before it, that answers with other bytes
 */
export function toObjectBody(
  { contentRange, body, lengthBytes, ...facts }: BodyFacts,
  firstByte: number,
  key: string,
  translated: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): ObjectBody {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? "");
  const isOddRange = contentRange !== undefined && !range;
  if (isOddRange || Number(range?.[1] ?? 0) !== firstByte) {
    body.destroy();
    const said = contentRange ?? "the whole object";
    throw new ArtifactError(`asked for ${key} from byte ${firstByte}, the answer is ${said}`, {
      code: "s3.bad_request",
      remedy: "the store, or a proxy before it, does not honour Range",
    });
  }
  return { ...facts, lengthBytes, sizeBytes: range ? Number(range[2]) : lengthBytes, body: translated(body) };
}
