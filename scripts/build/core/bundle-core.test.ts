import { basename, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { bundleCore, type CoreBundle } from "./bundle-core.ts";

const checkout = join(import.meta.dirname, "../../..");
const info = { version: "0.0.0", buildDate: "", gitCommit: "", gitTag: "", gitTreeState: "" } as const;

let core: CoreBundle;

beforeAll(async () => {
  core = await bundleCore(checkout, info);
});

/** The npm packages and rooms in a chunk and in all that it loads at once. */
function loadedBy(chunk: string): Set<string> {
  const outputs = new Map(
    Object.entries(core.metafile.outputs).map(([path, output]) => [basename(path), output]),
  );
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const output = outputs.get(name);
    if (output === undefined || seen.has(name)) return;
    seen.add(name);
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const [, part] =
        /(?:^|\/)(?:node_modules\/((?:@[^/]+\/)?[^/]+)|(packages\/[^/]+))\/[^\n]*$/.exec(path) ?? [];
      if (bytesInOutput > 0) found.add(part ?? path.split("/").slice(0, 2).join("/"));
    }
    for (const { path, kind } of output.imports) if (kind === "import-statement") visit(basename(path));
  };
  visit(chunk);
  return found;
}

it("starts every act without S3, Kubernetes, archives and the tracing SDK: they are loaded when they are needed", () => {
  expect([...loadedBy(core.mainChunk)].sort()).toEqual([
    "packages/argoexec",
    "packages/contract",
    "packages/executor",
    "packages/telemetry",
  ]);
});

it("loads S3's client only with the S3 driver, and gRPC only with its exporter", () => {
  const chunksWith = (part: string): string[] =>
    [...core.chunks.keys()]
      .filter((chunk) => loadedBy(chunk).has(part))
      .map((name) => name.replace(/-\w+\.js$/, ""));
  expect(chunksWith("@aws-sdk/client-s3")).toContain("aws-object-store");
  for (const lazy of ["main", "create-reporter", "sdk-tracing", "git-driver", "http-driver", "raw-driver"]) {
    expect(chunksWith("@aws-sdk/client-s3"), lazy).not.toContain(lazy);
    expect(chunksWith("@grpc/grpc-js"), lazy).not.toContain(lazy);
  }
});
