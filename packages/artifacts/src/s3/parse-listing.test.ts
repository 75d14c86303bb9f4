import { describe, expect, it } from "vitest";
import { parseListing } from "./parse-listing.ts";

const contents = (key: string, size = "1"): string =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>` +
  `<Size>${size}</Size><Owner><ID>me</ID></Owner></Contents>`;
const page = (inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>` +
  `${inner}</ListBucketResult>\n`;
const whole = "<IsTruncated>false</IsTruncated>";

describe("parseListing", () => {
  it("reads keys, sizes and the way to the next page, whichever comes first", () => {
    const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b==</NextContinuationToken>";
    const expected = {
      objects: [
        { key: "d/a", sizeBytes: 1 },
        { key: "d/b", sizeBytes: 5_497_558_138_880 },
      ],
      next: "a&b==",
    };
    const both = contents("d/a") + contents("d/b", "5497558138880");
    expect(parseListing(page(more + both))).toEqual(expected);
    expect(parseListing(page(both + more))).toEqual(expected);
    expect(parseListing(page(whole))).toEqual({ objects: [], next: undefined });
  });

  it("takes keys for what they say, not for what they look like", () => {
    const keys: Readonly<Record<string, string>> = {
      "&lt;Contents&gt;&lt;Key&gt;x&lt;/Key&gt;": "<Contents><Key>x</Key>",
      "a&amp;amp;b": "a&amp;b",
      "&#xD;&#10;&#x1F600;": "\r\n😀",
      "ü  two spaces ": "ü  two spaces ",
      "&constructor;&toString;": "&constructor;&toString;",
    };
    for (const [written, key] of Object.entries(keys)) {
      expect(parseListing(page(whole + contents(written)))?.objects).toEqual([{ key, sizeBytes: 1 }]);
    }
  });

  it("decodes keys where the store says that they are encoded, and nowhere else", () => {
    const keys: Readonly<Record<string, string>> = {
      "a+b%2Bc": "a b+c",
      "%01%7F%0D%0A": "\u0001\u007f\r\n",
      "d/%F0%9F%98%80/%2520": "d/😀/%20",
      "plain/ü&amp;": "plain/ü&",
    };
    const says = "<EncodingType>url</EncodingType>";
    for (const [written, key] of Object.entries(keys)) {
      expect(parseListing(page(whole + says + contents(written)))?.objects[0]?.key).toBe(key);
    }
    expect(parseListing(page(whole + contents("a+b%2Bc")))?.objects[0]?.key).toBe("a+b%2Bc");
    expect(parseListing(page(whole + says + contents("100%")))).toBeUndefined();
  });

  it.each([
    ["a comment", page(`${whole}<!-- <Contents> -->${contents("a")}`)],
    ["CDATA", page(whole + contents("<![CDATA[a]]>"))],
    ["a prefix", page(whole + contents("a")).replaceAll("ListBucketResult", "s3:ListBucketResult")],
    ["an object without a key", page(`${whole}<Contents><Size>1</Size></Contents>`)],
    ["an object without a size", page(`${whole}<Contents><Key>a</Key></Contents>`)],
    ["a size that is none", page(whole + contents("a", "1e3"))],
    ["a page that does not say whether it is the last", page(contents("a"))],
    ["a page cut off without a way to go on", page(`<IsTruncated>true</IsTruncated>${contents("a")}`)],
    ["half a page", page(whole + contents("a")).slice(0, -30)],
    ["an element in a key", page(whole + contents("a<b/>c"))],
    ["an error", "<Error><Code>AccessDenied</Code></Error>"],
    ["nothing", ""],
  ])("leaves %s to others", (_what, xml) => {
    expect(parseListing(xml)).toBeUndefined();
  });
});
