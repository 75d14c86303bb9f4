import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { connectorTo, observedTransfer, s3Location } from "../test-support.ts";
import { completeUpload } from "./complete-upload.ts";
import type { ObjectStore } from "./object-store.ts";

const KEYS = { accessKey: "access", secretKey: "secret" };
const SIGNAL = new AbortController().signal;
const BEGIN = {
  signal: SIGNAL,
  contentType: "application/gzip",
  metadata: { "skein-part-bytes": "8388608" },
};
const KEY = "a b/ü.tgz";
const COMPLETED = "<CompleteMultipartUploadResult><ETag>e-1</ETag></CompleteMultipartUploadResult>";

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Uses a store that gives one answer to all, and returns what it was asked. */
async function asking(
  answer: (response: ServerResponse) => void,
  use: (store: ObjectStore) => Promise<void>,
): Promise<Seen> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await using connector = connectorTo(KEYS);
    const location = s3Location({ ...KEYS, endpoint, bucket: "b" }, KEY);
    await use(await connector.connect(location, observedTransfer().transfer));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  const [request] = seen;
  if (request === undefined || seen.length > 1) throw new Error(`${seen.length} requests`);
  return request;
}

const saying = (text: string) => (response: ServerResponse) => void response.end(text);

/** What a request fails with. */
async function failureOf(
  answer: (response: ServerResponse) => void,
  use: (store: ObjectStore) => Promise<unknown>,
): Promise<ArtifactError> {
  let failure: unknown;
  await asking(answer, async (store) => {
    failure = await use(store).then(
      () => undefined,
      (error: unknown) => error,
    );
  });
  if (!(failure instanceof ArtifactError)) throw new Error(`no error of ours: ${failure}`);
  return failure;
}

describe("the beginning of an upload in parts", () => {
  it.each([
    ["as Amazon's", "2~a+b/c=", ""],
    ["with entities", "2~a+b/c=", "&#x32;~a&#43;b/c="],
    ["with a prefix, on lines of its own", "2~a+b/c=", ""],
  ])("takes the upload's name from an answer %s", async (how, id, written) => {
    const text = written || id;
    const plain = `<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket><Key>k</Key><UploadId>${text}</UploadId></InitiateMultipartUploadResult>`;
    const prefixed = `\uFEFF<?xml version="1.0"?>\n<!-- - -->\n<s3:InitiateMultipartUploadResult>\n<s3:UploadId>\n${text}\n</s3:UploadId></s3:InitiateMultipartUploadResult>`;
    const seen = await asking(saying(how.startsWith("with a prefix") ? prefixed : plain), async (store) => {
      expect(await store.createUpload(KEY, BEGIN)).toBe(id);
    });
    expect(seen).toMatchObject({ method: "POST", url: "/b/a%20b/%C3%BC.tgz?uploads=", body: "" });
    expect(seen.headers).toMatchObject({
      "content-length": "0",
      "content-type": "application/gzip",
      "x-amz-meta-skein-part-bytes": "8388608",
    });
  });

  it.each([
    "",
    "<html>Sign in</html>",
    "<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>",
    "<Other><UploadId>1</UploadId></Other>",
  ])("fails when the answer is %j", async (text) => {
    const failure = await failureOf(saying(text), (store) => store.createUpload(KEY, BEGIN));
    expect(failure.message).toMatch(
      /^failed to put file: CreateMultipartUpload s3:\/\/b\/a b\/ü\.tgz at .*the answer names no upload/,
    );
    expect(failure.code).toBe("s3.bad_request");
    expect(failure.transient).toBe(false);
  });
});

describe("the end of an upload in parts", () => {
  const parts = [
    { number: 1, etag: '"0123"' },
    { number: 2, etag: "<&>" },
  ];
  const complete = (store: ObjectStore) => store.completeUpload(KEY, "u+/= 1", parts, { signal: SIGNAL });

  it("lists the parts", async () => {
    const seen = await asking(saying(COMPLETED), complete);
    expect(seen).toMatchObject({
      method: "POST",
      url: "/b/a%20b/%C3%BC.tgz?uploadId=u%2B%2F%3D%201",
      body:
        '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        "<Part><PartNumber>1</PartNumber><ETag>&#34;0123&#34;</ETag></Part>" +
        "<Part><PartNumber>2</PartNumber><ETag>&#60;&#38;&#62;</ETag></Part></CompleteMultipartUpload>",
    });
    expect(seen.headers["content-type"]).toBe("application/xml");
  });

  it("waits for the answer behind the blanks that a busy store sends first", async () => {
    const slowly = (response: ServerResponse): void => {
      response.write('<?xml version="1.0" encoding="UTF-8"?>\n');
      let blanks = 0;
      const timer = setInterval(() => {
        response.write(" ");
        blanks += 1;
        if (blanks < 5) return;
        clearInterval(timer);
        response.end(COMPLETED);
      }, 10);
    };
    await asking(slowly, complete);
  });

  it.each([
    ["InternalError", "s3.server_error", true],
    ["SlowDown", "s3.slow_down", true],
    ["AccessDenied", "s3.access_denied", false],
    ["InvalidPart", "s3.bad_request", false],
    ["SlowDownWrite", "s3.server_error", true],
    ["XMinioServerNotInitialized", "s3.server_error", true],
  ])("is the %s that a store says under status 200", async (code, expected, isTransient) => {
    const text = `<?xml version="1.0"?>\n\n   <Error><Code>${code}</Code><Message>We are &lt;sorry&gt;</Message></Error>`;
    const failure = await failureOf(saying(text), complete);
    expect(failure.code).toBe(expected);
    expect(failure.transient).toBe(isTransient);
    expect(failure.message).toContain(`We are <sorry> (200 ${code})`);
  });

  it.each([
    ["empty", saying("")],
    ["a proxy's page", saying("<html>Sign in</html>")],
    ["cut off behind its blanks", saying('<?xml version="1.0"?>\n    ')],
  ])("is to be asked for again when the answer is %s", async (_what, answer) => {
    const failure = await failureOf(answer, complete);
    expect(failure.message).toContain("the answer does not say whether the object was made");
    expect(failure).toMatchObject({ code: "s3.server_error", transient: true });
  });

  it.each([
    ["comments without an end of their own", "<!---->".repeat(100_000)],
    ["instructions", "<??>".repeat(100_000)],
    ["an error of beginnings", `<Error>${"<".repeat(500_000)}`],
  ])("does not keep us busy when the answer is full of %s", async (_what, text) => {
    // Took minutes, or never ended.
    expect((await failureOf(saying(text), complete)).transient).toBe(true);
  });

  it("asks for the object by the store's clock after an answer that was lost", async () => {
    const storeMs = (): number => Date.now() + 3_600_000;
    let completions = 0;
    const server = createServer((request, response) => {
      request.resume();
      response.setHeader("date", new Date(storeMs()).toUTCString());
      const signed = String(request.headers["x-amz-date"]).replace(
        /(....)(..)(..)T(..)(..)(..)Z/,
        "$1-$2-$3T$4:$5:$6Z",
      );
      if (Math.abs(Date.parse(signed) - storeMs()) > 900_000) {
        const why = "<Error><Code>RequestTimeTooSkewed</Code><Message>late</Message></Error>";
        response.writeHead(403).end(request.method === "HEAD" ? undefined : why);
      } else if (request.method === "HEAD") {
        response.writeHead(200, { "content-length": "7", etag: '"e-1"' }).end();
      } else if (++completions === 1) request.socket.destroy();
      else response.writeHead(404).end("<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await using connector = connectorTo(KEYS);
      const { transfer } = observedTransfer();
      const store = await connector.connect(s3Location({ ...KEYS, endpoint, bucket: "b" }, KEY), transfer);
      const upload = { key: KEY, uploadId: "u", parts: [{ number: 1, etag: '"opaque"' }], sizeBytes: 7 };
      await completeUpload(store, upload, transfer);
      expect(completions).toBe(2);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("is to be asked for again when the connection breaks in the middle of the answer", async () => {
    const breaking = (response: ServerResponse): void => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("<CompleteMultipartUploadResult>", () => response.destroy());
    };
    const failure = await failureOf(breaking, complete);
    expect(failure.transient).toBe(true);
    expect(failure.message).toContain("CompleteMultipartUpload s3://b/a b/ü.tgz");
  });
});

describe("the abort of an upload in parts", () => {
  it("names the upload", async () => {
    const seen = await asking(
      (response) => void response.writeHead(204).end(),
      (store) => store.abortUpload(KEY, "u&1"),
    );
    expect(seen).toMatchObject({ method: "DELETE", url: "/b/a%20b/%C3%BC.tgz?uploadId=u%261", body: "" });
  });

  it("that finds none says so", async () => {
    const refused = (response: ServerResponse) =>
      void response.writeHead(404).end("<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>");
    const failure = await failureOf(refused, (store) => store.abortUpload(KEY, "u"));
    expect(failure).toMatchObject({ code: "s3.bad_request", cause: { name: "NoSuchUpload" } });
  });
});
