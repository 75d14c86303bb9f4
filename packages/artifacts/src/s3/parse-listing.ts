import type { ListedObject } from "./object-store.ts";
import { decodeEntities } from "./xml-entities.ts";

export interface ListingPage {
  objects: ListedObject[];
  /** The token of the next page. */
  next: string | undefined;
}

/**
 * Reads a page of ListObjectsV2 as every store we know writes it: elements without prefixes, in which `<` begins an element
 * and nothing else. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 *
 * @returns undefined for anything else (comments, CDATA, prefixes, an object without a key or a size, a key that is said to be encoded and is not,
 *   a page that is cut off and does not say how to go on): nothing is guessed, the SDK may read it
 */
export function parseListing(xml: string): ListingPage | undefined {
  if (!/^\s*(<\?xml[^>]*\?>\s*)?<ListBucketResult[\s>]/.test(xml) || xml.includes("<!")) return undefined;
  if (!/<\/ListBucketResult>\s*$/.test(xml)) return undefined;
  const objects: ListedObject[] = [];
  let around = "";
  let at = 0;
  for (;;) {
    const start = xml.indexOf("<Contents>", at);
    if (start < 0) break;
    const end = xml.indexOf("</Contents>", start);
    if (end < 0) return undefined;
    around += xml.slice(at, start);
    const contents = xml.slice(start, end);
    const key = textOf(contents, "Key");
    const size = textOf(contents, "Size");
    if (!key || size === undefined || !/^\d{1,15}$/.test(size)) return undefined;
    objects.push({ key: decodeEntities(key), sizeBytes: Number(size) });
    at = end + "</Contents>".length;
  }
  around += xml.slice(at);
  if (textOf(around, "EncodingType") === "url") {
    for (const object of objects) {
      const key = decodeListedKey(object.key);
      if (key === undefined) return undefined;
      object.key = key;
    }
  }
  const isTruncated = textOf(around, "IsTruncated");
  const next = textOf(around, "NextContinuationToken");
  if (isTruncated === "false") return { objects, next: undefined };
  return isTruncated === "true" && next ? { objects, next: decodeEntities(next) } : undefined;
}

/**
 * A key out of a list that was asked for with `encoding-type=url`, which is how keys with characters come that XML does not have. As
 * in a form, a space is a plus.
 *
 * @returns undefined for what is not encoded
 */
export function decodeListedKey(key: string): string | undefined {
  if (!/[%+]/.test(key)) return key;
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function textOf(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  if (start < 0) return undefined;
  const from = start + name.length + 2;
  const end = xml.indexOf("<", from);
  return xml.startsWith(`</${name}>`, end) ? xml.slice(from, end) : undefined;
}
