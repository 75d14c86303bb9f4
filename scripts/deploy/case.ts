import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type DocumentedBlock, documentedBlocks } from "../../test/support/documented-blocks.ts";

/** Cases by what they show. */
export type Cases = Readonly<Record<string, () => void | Promise<void>>>;

export const CHECKOUT = join(import.meta.dirname, "../..");
export const TOOLS = join(CHECKOUT, ".tools/bin");

/** What a program printed on stdout. @throws Error with the command and its stderr when it fails */
export function run(
  argv: readonly [string, ...string[]],
  options: { cwd?: string; env?: Readonly<Record<string, string>>; input?: string } = {},
): string {
  const [program, ...args] = argv;
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: CHECKOUT,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
    env: { ...process.env, PATH: `${TOOLS}:${process.env.PATH}`, ...options.env },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${argv.join(" ")}: exit code ${status}\n${stderr}`);
  return stdout;
}

/** As far as the cases look at what is rendered. */
export interface KubeObject {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: unknown[];
  subjects?: { name: string; namespace?: string }[];
  data?: Record<string, string>;
}

export function parseObjects(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubeObject)
    .filter(Boolean);
}

const PAGE = join(CHECKOUT, "docs/install.md");

/** The blocks of one language below a heading of docs/install.md. @throws Error when there are not as many as expected */
export function installBlocks(heading: string, language: string, count: number): string[] {
  const found: DocumentedBlock[] = documentedBlocks(PAGE).filter(
    (block) => block.heading === heading && block.language === language,
  );
  if (found.length !== count) {
    throw new Error(
      `docs/install.md has ${found.length} blocks of ${language} below "${heading}", not ${count}`,
    );
  }
  return found.map(({ text }) => text);
}
