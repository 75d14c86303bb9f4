import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { countGoTests } from "./go-totals.ts";
import { runProgram } from "./run-program.ts";

async function goTest(source: string) {
  const directory = await mkdtemp(join(tmpdir(), "skein-go-totals-"));
  try {
    await writeFile(join(directory, "go.mod"), "module example\n\ngo 1.24\n");
    await writeFile(join(directory, "x_test.go"), `package example\n\nimport "testing"\n\n${source}`);
    const { stdout } = await runProgram(["go", "test", "-json", "./..."], { cwd: directory });
    return countGoTests(stdout);
  } finally {
    await rm(directory, { recursive: true });
  }
}

it("counts tests and subtests, shows what the failing ones said, and why others were skipped", async () => {
  const totals = await goTest(`
func TestPasses(t *testing.T) { t.Log("unheard") }
func TestParent(t *testing.T) { t.Run("child", func(t *testing.T) {}) }
func TestFails(t *testing.T) { t.Error("it broke") }
func TestSkips(t *testing.T) { t.Skip("needs root") }
`);
  expect(totals).toMatchObject({
    passed: 3,
    failed: 1,
    skipped: [{ name: "example TestSkips", reason: "needs root" }],
  });
  expect(totals.complaints).toContain("it broke");
  expect(totals.complaints).not.toContain("unheard");
});

it("counts a package that does not compile as one failure and shows the compiler's words", async () => {
  const totals = await goTest("func TestTypo(t *testing.T) { return 1 }\n");
  expect(totals).toMatchObject({ passed: 0, failed: 1, skipped: [] });
  expect(totals.complaints).toContain("too many return values");
});

it("counts a package that crashes outside of any test as one failure", async () => {
  const totals = await goTest('func init() { panic("early") }\nfunc TestPasses(t *testing.T) {}\n');
  expect(totals).toMatchObject({ passed: 0, failed: 1 });
  expect(totals.complaints).toContain("early");
});
