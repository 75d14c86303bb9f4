import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

const METADATA_PREFIX = "x-amz-meta-";

/** Whether a range was refused because the object has no such bytes. */
export function isRangeError(error: unknown): boolean {
  const { cause } = error as { cause?: { name?: string; $metadata?: { httpStatusCode?: number } } };
  return cause?.name === "InvalidRange" || cause?.$metadata?.httpStatusCode === 416;
}

/** The answer's facts, by the names the SDK gives them. */
export function bodyFacts(answer: IncomingMessage) {
  const { headers } = answer;
  const checksumType = text(headers, "x-amz-checksum-type");
  return {
    lengthBytes: Number(headers["content-length"] ?? 0),
    contentRange: text(headers, "content-range"),
    etag: headers.etag,
    metadata: metadataIn(headers),
    sha256: checksumType === "COMPOSITE" ? undefined : text(headers, "x-amz-checksum-sha256"),
    isEtagOpaque:
      text(headers, "x-amz-server-side-encryption") === "aws:kms" ||
      text(headers, "x-amz-server-side-encryption-customer-algorithm") !== undefined,
    body: answer,
  };
}

function metadataIn(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const name in headers) {
    if (name.startsWith(METADATA_PREFIX))
      metadata[name.slice(METADATA_PREFIX.length)] = String(headers[name]);
  }
  return metadata;
}

function text(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
