import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runProgram } from "./run-program.ts";

let directory: string;

beforeEach(async () => {
  // Inside the repository, so that vitest is found.
  directory = await mkdtemp(join(import.meta.dirname, ".fixture-"));
});
afterEach(() => rm(directory, { recursive: true }));

it("counts what passed, failed, could not be loaded and was skipped, with reasons", async () => {
  await writeFile(
    join(directory, "mixed.test.ts"),
    `import { expect, it } from "vitest";
     it("passes", () => expect(1).toBe(1));
     it("fails", () => expect(1).toBe(2));
     it("skips", ({ skip }) => skip("no ssh here"));
     it.skip("is switched off", () => {});`,
  );
  await writeFile(join(directory, "broken.test.ts"), `throw new Error("cannot be loaded");`);
  await writeFile(
    join(directory, "rejects.test.ts"),
    `import { it } from "vitest";
     it("leaves a rejection behind", () => { void Promise.reject(new Error("nobody caught this")); });`,
  );
  await writeFile(
    join(directory, "vitest.config.ts"),
    `import { TotalsReporter } from "../vitest-totals.ts";
     export default { test: { reporters: [new TotalsReporter("totals.json")] } };`,
  );
  const { exitCode } = await runProgram(["vitest", "run"], { cwd: directory });
  expect(exitCode).toBe(1);
  expect(JSON.parse(await readFile(join(directory, "totals.json"), "utf8"))).toEqual({
    passed: 2,
    failed: 3,
    skipped: [
      { name: "mixed.test.ts skips", reason: "no ssh here" },
      { name: "mixed.test.ts is switched off", reason: "no reason given" },
    ],
  });
});
