import type { UploadedPart } from "./object-store.ts";
import { decodeEntities } from "./xml-entities.ts";

/**
 * What CreateMultipartUpload answers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
 *
 * @returns undefined when no upload is named
 */
export function uploadIdIn(xml: string): string | undefined {
  if (rootOf(xml) !== "InitiateMultipartUploadResult") return undefined;
  const [, id = ""] = /<(?:[\w.-]+:)?UploadId>([^<]+)</.exec(xml) ?? [];
  return decodeEntities(id.trim()) || undefined;
}

/** What CompleteMultipartUpload sends: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export function completionOf(parts: readonly UploadedPart[]): string {
  const listed = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${encodeText(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join("")}</CompleteMultipartUpload>`;
}

/** Whether the store says that the object has been made. It begins to answer before it knows, so that the status does not tell. */
export function isCompletion(xml: string): boolean {
  return rootOf(xml) === "CompleteMultipartUploadResult";
}

/** Whether an answer is an error in spite of its status. */
export function isErrorDocument(xml: string): boolean {
  return rootOf(xml) === "Error";
}

/** Name of the outermost element, without a prefix. */
function rootOf(xml: string): string | undefined {
  return /^\uFEFF?\s*(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]/.exec(xml)?.[1];
}

function encodeText(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
