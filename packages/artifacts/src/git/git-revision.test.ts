import { describe, expect, it } from "vitest";
import { parseRevision } from "./git-revision.ts";

describe("parseRevision", () => {
  it.each([
    ["main", "main", "", 0],
    ["feature/x", "feature/x", "", 0],
    ["refs/changes/34/1234/1", "refs/changes/34/1234/1", "", 0],
    ["@", "HEAD", "", 0],
    ["main~2", "main", "~2", 2],
    ["HEAD~", "HEAD", "~", 1],
    ["HEAD^^", "HEAD", "^^", 2],
    ["main^0", "main", "^0", 0],
    ["main^2", "main", "^2", 1],
    ["v1^{}", "v1", "^{}", 0],
    ["v1^{commit}~3^2", "v1", "^{commit}~3^2", 4],
  ])("takes %s apart", (revision, base, suffix, generations) => {
    expect(parseRevision(revision)).toEqual({ base, suffix, generations });
  });

  it.each([
    "",
    "main@{yesterday}",
    ":/words",
    "main^{/words}",
    "main^{tree}",
    "a..b",
    "a:b",
    "^a",
    "+a",
    "-a",
    "a b",
    "a*",
    "a\n",
    "a.lock",
    "main~99999999",
  ])("leaves %j to the history", (revision) => {
    expect(parseRevision(revision)).toBeUndefined();
  });
});
