import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

const repository = join(import.meta.dirname, "..");

/** docs/architecture.md, once more: what each room may import. */
const ARROWS: Record<string, string[]> = {
  contract: [],
  telemetry: ["contract"],
  archive: ["contract"],
  kubernetes: ["contract"],
  artifacts: ["contract", "telemetry", "archive"],
  executor: ["contract", "telemetry", "archive", "artifacts", "kubernetes"],
  argoexec: ["contract", "telemetry", "archive", "artifacts", "kubernetes", "executor", "doctor"],
  lab: ["contract"],
  diagnostics: ["contract"],
  workflows: ["contract", "telemetry", "kubernetes"],
  doctor: ["contract", "telemetry", "kubernetes", "artifacts"],
  skein: ["contract", "kubernetes", "lab", "diagnostics", "workflows", "doctor"],
};
const ROOMS = Object.keys(ARROWS);

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

describe("biome.json", () => {
  it("refuses exactly the imports between rooms that are not an arrow of the architecture", async () => {
    const files: Record<string, string> = {};
    for (const room of ROOMS) {
      for (const other of ROOMS) {
        if (other !== room) files[sourceFile(room, `to-${other}`)] = `export { x } from "@skein/${other}";\n`;
      }
    }
    const forbidden = Object.keys(files).filter((path) => {
      const [, from = "", to = ""] = /^packages\/(\w+)\/src\/to-(\w+)\.ts$/.exec(path) ?? [];
      return !ARROWS[from]?.includes(to);
    });
    expect(forbidden).toHaveLength(132 - 33);
    expect((await lint(files)).noRestrictedImports).toEqual(forbidden.sort());
  });

  it("refuses a forbidden import that is for types only, lazy, by path, or in a test", async () => {
    const files = {
      [sourceFile("archive", "type")]: 'import type { X } from "@skein/lab";\nexport type Y = X;\n',
      [sourceFile("archive", "lazy")]: 'export const load = () => import("@skein/lab");\n',
      [sourceFile("archive", "path")]: 'export { x } from "../../lab/src/x.ts";\n',
      [sourceFile("archive", "deep/path")]: 'export { x } from "../../../lab/src/x.ts";\n',
      [sourceFile("archive", "x.test")]: 'import { x } from "@skein/lab";\nx();\n',
    };
    expect((await lint(files)).noRestrictedImports).toEqual(Object.keys(files).sort());
  });

  it("refuses a package that the room does not declare", async () => {
    const undeclared = sourceFile("archive", "undeclared");
    const findings = await lint({
      "packages/archive/package.json": JSON.stringify({
        name: "@skein/archive",
        dependencies: { yauzl: "1" },
      }),
      [undeclared]: 'export { parse } from "yaml";\n',
      [sourceFile("archive", "declared")]: 'export { open } from "yauzl";\n',
    });
    expect(findings.noUndeclaredDependencies).toEqual([undeclared]);
  });

  it("refuses a cycle between files and re-exporting all of a file", async () => {
    const findings = await lint({
      [sourceFile("lab", "a")]: 'import { b } from "./b.ts";\nexport const a = () => b();\n',
      [sourceFile("lab", "b")]: 'import { a } from "./a.ts";\nexport const b = () => a();\n',
      [sourceFile("lab", "all")]: 'export * from "./b.ts";\n',
    });
    expect(findings.noImportCycles).toEqual([sourceFile("lab", "a"), sourceFile("lab", "b")]);
    expect(findings.noReExportAll).toEqual([sourceFile("lab", "all")]);
  });
});

function sourceFile(room: string, name: string): string {
  return `packages/${room}/src/${name}.ts`;
}

/** Lints files laid out as in this repository; the paths complained about, by rule. */
async function lint(files: Record<string, string>): Promise<Record<string, string[]>> {
  const stdout = await biome(
    ["lint", "--reporter=json", "--max-diagnostics=none", "."],
    await workspace(files),
  );
  const report = JSON.parse(stdout) as {
    diagnostics: { category?: string; location: { path: string | { file: string } } }[];
  };
  const found: Record<string, Set<string>> = {};
  for (const { category, location } of report.diagnostics) {
    const rule = category?.split("/").at(-1) ?? "none";
    found[rule] ??= new Set();
    found[rule].add(typeof location.path === "string" ? location.path : location.path.file);
  }
  return Object.fromEntries(Object.entries(found).map(([rule, paths]) => [rule, [...paths].sort()]));
}

async function workspace(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "skein-import-rules-"));
  directories.push(directory);
  for (const name of ["biome.json", ".gitignore", "package.json"]) {
    await copyFile(join(repository, name), join(directory, name));
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

function biome(argv: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = join(repository, "node_modules/.bin/biome");
    execFile(program, argv, { cwd, maxBuffer: 64 << 20 }, (error, stdout) => {
      // Exit code 1 says that there are findings.
      if (error === null || error.code === 1) resolve(stdout);
      else reject(error);
    });
  });
}
