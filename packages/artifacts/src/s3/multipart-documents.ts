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

/** Instructions and comments, each of which ends where it first can: a store must not be able to keep us busy. */
const NO_ELEMENTS = { "<?": "?>", "<!--": "-->" };

/** Name of the outermost element, without a prefix. */
function rootOf(xml: string): string | undefined {
  let offset = afterBlanks(xml, 0); // the mark at the beginning of a file is a blank, too
  for (;;) {
    const passed = Object.entries(NO_ELEMENTS).find(([begin]) => xml.startsWith(begin, offset));
    if (passed === undefined) break;
    const [begin, end] = passed;
    const endsAt = xml.indexOf(end, offset + begin.length);
    if (endsAt === -1) return undefined;
    offset = afterBlanks(xml, endsAt + end.length);
  }
  return /^<(?:[\w.-]{1,100}:)?([\w.-]{1,100})[\s/>]/.exec(xml.slice(offset, offset + 300))?.[1];
}

function afterBlanks(text: string, offset: number): number {
  const blanks = /\s*/y;
  blanks.lastIndex = offset;
  blanks.exec(text);
  return blanks.lastIndex;
}

function encodeText(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
