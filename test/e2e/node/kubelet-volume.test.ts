import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeAtomically } from "./kubelet-volume.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-volume-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("writeAtomically", () => {
  it("replaces all files behind the same names, and leaves nothing of the old ones", () => {
    writeAtomically(directory, { token: "first", "ca.crt": "ca" });
    writeAtomically(directory, { token: "second", "ca.crt": "ca" });
    expect(readFileSync(join(directory, "token"), "utf8")).toBe("second");
    expect(readdirSync(directory).filter((name) => !name.startsWith(".."))).toEqual(["ca.crt", "token"]);
    expect(readdirSync(directory)).toHaveLength(4); // and the link, and what it leads to
  });
});
