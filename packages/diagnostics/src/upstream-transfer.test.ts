import { describe, expect, it } from "vitest";
import { buildReport } from "./report.ts";
import { spansOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";

type Builder = ReturnType<typeof createTraceBuilder>;

function request(
  builder: Builder,
  parent: string,
  {
    operation,
    key,
    at,
    seconds,
    status,
  }: { operation: string; key: string; at: number; seconds: number; status?: number },
): void {
  const attributes = { "s3.operation": operation, "s3.bucket": "b", "s3.key": key };
  const error = status === undefined ? {} : { error: { message: "", type: String(status) } };
  builder.add({ name: "HTTP GET", kind: 3, at, seconds, parent, attributes, ...error });
}

/** As Argo v4.1's executor has it: one after the other, and all of it in the spans below. */
function savedAndLoaded(keys: readonly string[]): Builder {
  const builder = createTraceBuilder(`upstream ${keys.join()}`);
  const saves = builder.add({
    name: "saveArtifacts",
    at: 0,
    seconds: 2,
    events: [{ name: "upload artifact", at: 0, attributes: { file: "source" } }],
  });
  const save = builder.add({ name: "saveArtifact", at: 0, seconds: 2, parent: saves });
  builder.add({ name: "archiveArtifact", at: 0, seconds: 0.5, parent: save });
  for (const [index, key] of keys.entries()) {
    request(builder, save, { operation: "PutObject", key, at: 0.5 + index * 0.5, seconds: 0.5 });
  }
  const path = "/argo/inputs/artifacts/source";
  const load = builder.add({ name: "loadArtifact", at: 5, seconds: 6, attributes: { path } });
  if (keys.length > 1) {
    request(builder, load, { operation: "GetObject", key: "k/dir", at: 5, seconds: 0.5, status: 404 });
    request(builder, load, { operation: "ListObjects", key: "k/dir/", at: 5.5, seconds: 0.5 });
  }
  for (const key of keys) request(builder, load, { operation: "GetObject", key, at: 6, seconds: 4 });
  const archive = keys.length > 1 ? "none" : "tar";
  builder.add({ name: "unarchiveArtifact", at: 10, seconds: 1, parent: load, attributes: { archive } });
  return builder;
}

describe("a trace of Argo v4.1's own executor", () => {
  it("says what was moved and where the time went by the requests below its spans", () => {
    const { comparisons } = buildReport(spansOf(savedAndLoaded(["k/source.tgz"])));
    expect(comparisons).toMatchObject([
      {
        object: "s3://b/k/source.tgz",
        loadPerSave: 3,
        transfers: [
          { driver: "s3", direction: "save", stages: { compress: 0.5, network: 0.5, other: 1 } },
          { driver: "s3", direction: "load", stages: { network: 4, decompress: 1, other: 1 } },
        ],
        answer:
          "Loading took 3.0× as long as saving (6.00 s against 2.00 s): it spent 3.50 s more on the network. 67 % of 6.00 s spent on the network.",
      },
    ]);
  });

  it("knows a directory by what its objects have in common, whatever was asked for before", () => {
    const { comparisons } = buildReport(spansOf(savedAndLoaded(["k/dir/a", "k/dir/ab"])));
    expect(comparisons.map(({ object }) => object)).toEqual(["s3://b/k/dir"]);
    expect(comparisons[0]?.transfers[1]?.stages).toEqual({ network: 5, disk: 1 });
  });

  it("names what came over http without what signed the request", () => {
    const builder = createTraceBuilder("upstream http");
    const load = builder.add({ name: "loadArtifact", at: 0, seconds: 1, attributes: { path: "/a/in" } });
    const attributes = { "artifact.type": "http", "url.full": "https://host/file?X-Signature=s3cret" };
    builder.add({ name: "HTTP GET", kind: 3, at: 0, seconds: 1, parent: load, attributes });
    expect(buildReport(spansOf(builder)).artifacts).toMatchObject([
      { driver: "http", object: "https://host/file", stages: { network: 1 } },
    ]);
  });
});
