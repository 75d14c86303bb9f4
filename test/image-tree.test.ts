import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

const checkout = join(import.meta.dirname, "..");
const tree = join(checkout, "dist/argoexec");
const core = join(tree, "opt/skein/core");
const node = join(tree, "opt/skein/bin/node");

const NOBODY = 65534;

/** A program that says, for each chunk in a directory, whether V8 takes its code cache. */
const JUDGE = `
  const { readdirSync, readFileSync } = require("node:fs");
  const { Script } = require("node:vm");
  const verdicts = {};
  for (const name of readdirSync(process.argv[1]).filter((name) => name.endsWith(".js"))) {
    const path = process.argv[1] + "/" + name;
    const options = { filename: path, cachedData: readFileSync(path + ".cache") };
    verdicts[name] = new Script(readFileSync(path, "latin1"), options).cachedDataRejected;
  }
  console.log(JSON.stringify(verdicts));
`;

function nodeFlags(): string[] {
  return readFileSync(join(core, "node-flags"), "utf8").split("\n").filter(Boolean);
}

describe("the image's tree", () => {
  it("has code caches that its own Node.js takes, for any user and in any place", () => {
    // A place where everybody may read and nobody but the owner, who is not asked here, may write.
    const elsewhere = mkdtempSync(join(tmpdir(), "skein-tree-"));
    onTestFinished(() => rmSync(elsewhere, { recursive: true }));
    cpSync(core, join(elsewhere, "core"), { recursive: true });
    execFileSync("chmod", ["-R", "u=rwX,go=rX", elsewhere]);
    const verdicts: unknown = JSON.parse(
      execFileSync(node, [...nodeFlags(), "--eval", JUDGE, join(elsewhere, "core")], {
        encoding: "utf8",
        env: {},
        ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
      }),
    );
    const chunks = readdirSync(core).filter((name) => name.endsWith(".js"));
    expect(chunks.length).toBeGreaterThan(10);
    expect(verdicts).toEqual(Object.fromEntries(chunks.map((name) => [name, false])));
  });

  it("has the same version in both halves", () => {
    const version = /^argoexec: (.*)$/m;
    const said = (program: string, ...argv: string[]): string | undefined =>
      version.exec(execFileSync(program, argv, { encoding: "utf8" }))?.[1];
    const { version: expected } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as {
      version: string;
    };
    expect(said(join(tree, "bin/argoexec"), "version")).toBe(expected);
    expect(said(node, join(core, "argoexec.cjs"), "version")).toBe(expected);
  });

  it("carries the licences of everything in it", () => {
    const notices = readFileSync(join(tree, "opt/skein/THIRD-PARTY-NOTICES"), "utf8");
    for (const name of [
      "@aws-sdk/client-s3",
      "@opentelemetry/sdk-trace-base",
      "@kubernetes/client-node",
      "yauzl",
    ]) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.*\\)$`, "m"));
    }
    expect(readFileSync(join(tree, "opt/skein/NODE-LICENSE"), "utf8")).toContain("V8");
    expect(readFileSync(join(tree, "opt/skein/LICENSE"), "utf8")).toContain("Apache License");
  });

  it("holds no front that a pod would wait for: the program that is copied into each has at most 3 MB", () => {
    for (const path of [
      "argoexec/bin/argoexec",
      "front/linux-amd64/argoexec",
      "front/linux-arm64/argoexec",
    ]) {
      expect(readFileSync(join(checkout, "dist", path)).length, path).toBeLessThanOrEqual(3e6);
    }
  });
});

describe("the bundled skein command", () => {
  it("runs without the sources beside it", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "skein-command-"));
    onTestFinished(() => rmSync(elsewhere, { recursive: true }));
    cpSync(join(checkout, "dist/skein"), elsewhere, { recursive: true });
    const page = join(elsewhere, "page.html");
    const trace = join(elsewhere, "trace.jsonl");
    writeFileSync(trace, `${JSON.stringify(oneSpan())}\n`);
    const command = [join(elsewhere, "skein.mjs"), "report", trace, "--html", page];
    const { status, stderr } = spawnSync(node, command, { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(readFileSync(page, "utf8")).toContain("<html");
  });
});

/** An OTLP request with a single span. */
function oneSpan(): unknown {
  const span = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    name: "runInitContainer",
    kind: 1,
    startTimeUnixNano: "1700000000000000000",
    endTimeUnixNano: "1700000001000000000",
  };
  const name = { key: "service.name", value: { stringValue: "argoexec" } };
  return { resourceSpans: [{ resource: { attributes: [name] }, scopeSpans: [{ spans: [span] }] }] };
}
