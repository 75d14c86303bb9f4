import { createHash } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy } from "../../../test/support/fault-proxy.ts";
import { LARGE, type StoreOfArtifacts, startStoreOfArtifacts, TREE, tree } from "./load-test-support.ts";
import { createTestEngine, s3Secrets, temporaryDirectory } from "./test-support.ts";

let store: StoreOfArtifacts;

beforeAll(async () => {
  store = await startStoreOfArtifacts();
});

afterAll(() => store[Symbol.asyncDispose]());

/** What `loadArtifact` calls the files beside a target. */
function stagingName(target: string): string {
  return `.skein-${createHash("sha256").update(target).digest("hex").slice(0, 16)}`;
}

describe("beginning again", () => {
  it("clears away what a run that was killed has left", async () => {
    await using directory = await temporaryDirectory();
    const left = join(directory.path, "inputs", stagingName(join(directory.path, "inputs/source")));
    await mkdir(`${left}.tmpdir/half`, { recursive: true });
    await writeFile(`${left}.tmp`, "half");
    const { target } = await store.loadInto(directory, store.artifact("tree.tgz"));
    expect(await tree(target)).toEqual(TREE);
    expect(await readdir(join(directory.path, "inputs"))).toEqual(["source"]);
  });

  it("removes nothing of the user's, whatever it is called", async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, "inputs/source.tmpdir/mine"), { recursive: true });
    await writeFile(join(directory.path, "inputs/source.tmp"), "mine");
    await store.loadInto(directory, store.artifact("tree.tgz"));
    expect((await readdir(join(directory.path, "inputs"))).sort()).toEqual([
      "source",
      "source.tmp",
      "source.tmpdir",
    ]);
  });

  it("happens when a download broke that cannot be continued", async () => {
    let answers = 0;
    const http = createServer((_request, response) => {
      response.writeHead(200, { "content-length": store.tgz.tree.byteLength });
      if (answers++ === 0) response.write(store.tgz.tree.subarray(0, 2_000_000), () => response.destroy());
      else response.end(store.tgz.tree);
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    await using directory = await temporaryDirectory();
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/tree.tgz`;
    const { target, report, spans } = await store.loadInto(directory, { name: "web", http: { url } });
    expect(await tree(target)).toEqual(TREE);
    expect(report).toMatchObject({ files: 2, unpackedBytes: LARGE.byteLength + 1, retries: 1 });
    const load = spans.find(({ name }) => name === "loadArtifact");
    expect(load?.events.find(({ name }) => name === "retry")?.attributes).toMatchObject({
      "error.type": "transfer.interrupted",
      "argo.retry.attempt": 1,
    });
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  it("happens when the object was replaced while it was read", async () => {
    let refused = false;
    await using proxy = await startFaultProxy(store.server.endpoint, (request) => {
      if (refused || !request.ifMatch) return undefined;
      refused = true;
      return { type: "answer", status: 412, code: "PreconditionFailed" };
    });
    await using directory = await temporaryDirectory();
    await using test = await createTestEngine(s3Secrets(store.server), {
      settings: { rangeBytes: 1_000_000 },
    });
    const artifact = store.artifact("tree.tgz", { at: { endpoint: proxy.endpoint } });
    const target = join(directory.path, "x");
    const report = await test.engine.load({ artifact, target });
    expect(await tree(target)).toEqual(TREE);
    expect(report).toMatchObject({ files: 2, retries: 1 });
  });
});
