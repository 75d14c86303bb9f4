import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { startS3Server } from "../../../../test/support/s3-server.ts";
import { connectorTo, observedTransfer, s3Location } from "../test-support.ts";

const SIGNAL = new AbortController().signal;
const KEYS = { accessKey: "access", secretKey: "secret" };
const PUT = { signal: SIGNAL, contentType: "text/plain" };

const ODD_KEYS = [
  [
    "a b",
    "a+b",
    "ü😀 é",
    "100%",
    "%20",
    "q?a=b&c",
    "#x",
    "a&amp;b",
    "<x>",
    "quote\"'",
    "tilde~*()!",
    "semi;colon:@,=$",
  ],
  ["back\\slash", "new\nline", "cr\rx", "tab\tx", " lead", "trail ", "[b]{c}|^`", "nbsp\u00a0\u2028"],
]
  .flat()
  .map((name) => `${name}/${name}`);

describe("a list of objects", () => {
  it("holds keys of every sort, by their prefix and page by page", async () => {
    await using server = await startS3Server();
    await using connector = connectorTo(server);
    const store = await connector.connect(s3Location(server, "key"), observedTransfer().transfer);
    for (const key of ODD_KEYS) await store.put(key, Buffer.from("abc"), PUT);
    for (const key of ODD_KEYS) {
      const prefix = key.slice(0, key.indexOf("/") + 1);
      const { objects } = await store.list(prefix, { signal: SIGNAL });
      expect(objects).toEqual([{ key, sizeBytes: 3 }]);
    }
    const listed: string[] = [];
    let page: string | undefined;
    do {
      const { objects, next } = await store.list("", {
        signal: SIGNAL,
        limit: 1,
        ...(page !== undefined && { page }),
      });
      listed.push(...objects.map(({ key }) => key));
      page = next;
    } while (page !== undefined);
    expect(listed.toSorted()).toEqual(ODD_KEYS.toSorted());
  });

  it.each(["ours", "the SDK's"])("has keys with characters that XML does not have: %s", async (whose) => {
    const encoded = "<Contents><Key>key/%01%1F+%2B%25</Key><Size>3</Size></Contents>";
    const plain = "<Contents><Key>key/\ufffd\ufffd +%</Key><Size>3</Size></Contents>";
    // A comment is what ours leaves to the SDK.
    const comment = whose === "ours" ? "" : "<!-- -->";
    await using server = await serve(({ url = "" }) => {
      const asked = url.includes("encoding-type=url");
      const contents = asked ? `<EncodingType>url</EncodingType>${encoded}` : plain;
      return `<ListBucketResult>${comment}<Name>b</Name><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
    });
    await using connector = connectorTo(KEYS);
    const store = await connector.connect(server.location, observedTransfer().transfer);
    const { objects } = await store.list("key/", { signal: SIGNAL });
    expect(objects).toEqual([{ key: "key/\u0001\u001f +%", sizeBytes: 3 }]);
  });

  it.each([
    ["an empty answer", ""],
    ["a proxy's page", "<html>Sign in</html>"],
  ])("is not read out of %s, as if there was nothing", async (_what, answer) => {
    await using server = await serve(() => answer);
    await using connector = connectorTo(KEYS);
    const store = await connector.connect(server.location, observedTransfer().transfer);
    await expect(store.list("key/", { signal: SIGNAL })).rejects.toThrow(
      /^failed to get directory: ListObjectsV2 s3:\/\/b\/key\/ at .*the answer is no list of objects/,
    );
  });
});

async function serve(answer: (request: IncomingMessage) => string) {
  const server = createServer((request, response) =>
    request.resume().on("end", () => response.end(answer(request))),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    location: s3Location({ ...KEYS, endpoint, bucket: "b" }, "key"),
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
