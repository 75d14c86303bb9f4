import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Secret } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { inspectStore } from "../index.ts";

/** What a bucket with these rules says of a key, over the wire. */
async function daysFor(key: string, rules: string): Promise<number | undefined> {
  const asked: string[] = [];
  await using server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/xml");
    response.end(
      `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules}</LifecycleConfiguration>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const secret = (name: string) => ({ name, key: "key" });
  const at = {
    endpoint,
    bucket: "b",
    region: "r",
    insecure: true,
    accessKeySecret: secret("a"),
    secretKeySecret: secret("s"),
  };
  const store = await inspectStore(at, async () => new Secret("signing-key"), {
    maxSockets: 1,
    idleTimeoutMs: 5000,
    proxyEnv: {},
  });
  try {
    return await store.unfinishedUploadDays(key, { signal: AbortSignal.timeout(5000) });
  } finally {
    await store.close();
    expect(asked).toEqual(["GET /b/?lifecycle="]);
  }
}

const rule = (filter: string, status = "Enabled", days = 2) =>
  `<Rule><ID>r</ID>${filter}<Status>${status}</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`;
const prefix = (text: string) => `<Filter><Prefix>${text}</Prefix></Filter>`;

describe("the rule that ends unfinished uploads", () => {
  it.each([
    ["for the whole bucket", rule(prefix("")), 2],
    ["for what the key begins with", rule(prefix("wf/")), 2],
    ["for something else", rule(prefix("backups/")), undefined],
    ["of the older form", rule("<Prefix>wf</Prefix>"), 2],
    ["that is switched off", rule(prefix(""), "Disabled"), undefined],
    [
      "for tagged objects, which no upload is yet",
      rule("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>"),
      undefined,
    ],
    ["that is the first of several to do so", rule(prefix("")) + rule(prefix("wf/"), "Enabled", 1), 1],
    [
      "beside rules for other things",
      `<Rule><ID>old</ID>${prefix("")}<Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule>`,
      undefined,
    ],
  ])("%s", async (_what, rules, days) => {
    expect(await daysFor("wf/pod/out.tgz", rules)).toBe(days);
  });
});
