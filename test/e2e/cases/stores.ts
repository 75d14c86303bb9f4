import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NAMESPACE } from "../cluster/access.ts";
import type { Case } from "../suite/case.ts";
import { assertArchivedLog, assertSucceeded } from "../suite/expect.ts";
import { keysBelow } from "../suite/objects.ts";

const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const PASSWORD = "http-password-of-the-suite";

/** Keeps what is PUT, for whoever knows the password. */
async function startWebStore(): Promise<{ url: string; content: Map<string, string> } & AsyncDisposable> {
  const content = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? "";
    const isKnown = request.headers.authorization === `Basic ${btoa(`reader:${PASSWORD}`)}`;
    if (request.method === "PUT" && isKnown) content.set(path, Buffer.concat(chunks).toString());
    const found = content.get(path);
    response.writeHead(isKnown ? (found === undefined ? 404 : 200) : 401).end(isKnown ? found : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    content,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const STORE_CASES: readonly Case[] = [
  {
    name: "http",
    shows: "an input by GET and an output by PUT, with a password from a secret",
    async run({ world, version, step }) {
      await using store = await startWebStore();
      store.content.set("/given", "over http\n");
      const secret = `web-${version.name.replace(".", "-")}-${version.layout}`;
      await world.api.admin.create(SECRETS, {
        metadata: { name: secret },
        stringData: { username: "reader", password: PASSWORD },
      });
      const auth = {
        basicAuth: {
          usernameSecret: { name: secret, key: "username" },
          passwordSecret: { name: secret, key: "password" },
        },
      };
      const end = await step({
        template: {
          name: "http",
          inputs: {
            artifacts: [{ name: "given", path: "/given", http: { url: `${store.url}/given`, auth } }],
          },
          container: { image: world.images.busybox, command: ["sh", "-c", "cat /given | tee /made"] },
          outputs: {
            artifacts: [
              {
                name: "made",
                path: "/made",
                archive: { none: {} },
                http: { url: `${store.url}/made`, auth },
              },
            ],
          },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "over http\n");
      assert.equal(store.content.get("/made"), "over http\n");
    },
  },
  {
    name: "strategies",
    shows: "a directory as a zip and as objects of their own, and both come back as they were",
    async run({ world, step }) {
      const { busybox } = world.images;
      const made = await step({
        template: {
          name: "strategies",
          container: {
            image: busybox,
            command: ["sh", "-ec"],
            args: ["mkdir -p /d/sub; echo one >/d/one; echo two >/d/sub/two; chmod 755 /d/sub/two"],
          },
          outputs: {
            artifacts: [
              { name: "zipped", path: "/d", archive: { zip: {} } },
              { name: "plain", path: "/d", archive: { none: {} } },
            ],
          },
        },
      });
      assertSucceeded(made);
      const prefix = `${made.step.workflow.name}/${made.step.podName}/`;
      assert.deepEqual(
        keysBelow(world, prefix),
        ["d/one", "d/sub/two", "main.log", "zipped.zip"].map((key) => prefix + key),
      );
      const used = await step({
        template: {
          name: "strategies-back",
          inputs: {
            artifacts: [
              { name: "zipped", path: "/z", archive: { zip: {} }, s3: { key: `${prefix}zipped.zip` } },
              { name: "plain", path: "/p", archive: { none: {} }, s3: { key: `${prefix}d` } },
            ],
          },
          container: {
            image: busybox,
            command: ["sh", "-c"],
            args: ["cat /z/one /z/sub/two /p/one /p/sub/two; test -x /z/sub/two && echo executable"],
          },
        },
      });
      assertSucceeded(used);
      assertArchivedLog(world, used, "main", "one\ntwo\none\ntwo\nexecutable\n");
    },
  },
];
