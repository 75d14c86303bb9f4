import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runCommand } from "../support/command.ts";

/** Of a package whose tests are not a part of it. */
const BUILDER = new URL("../../packages/diagnostics/src/testing/ci-checkout-trace.ts", import.meta.url).href;
const { ciCheckoutTrace } = (await import(BUILDER)) as { ciCheckoutTrace: () => { jsonLines(): string } };

const SKEIN = fileURLToPath(new URL("../../packages/skein/bin/skein.mjs", import.meta.url));

/** As a file or a CI log gets it: no width is known there, and no colour is wanted. */
it.each([{}, { COLUMNS: "200", TERM: "xterm-256color" }])(
  "prints a report without a terminal, %j",
  async (env) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), "skein-piped-"));
    const file = join(directory.path, "trace.jsonl");
    await writeFile(file, ciCheckoutTrace().jsonLines());
    const text = await runCommand(process.execPath, [SKEIN, "report", file], {
      env: env as Record<string, string>,
    });
    await expect(text).toMatchFileSnapshot("testdata/report-piped.txt");
  },
);
