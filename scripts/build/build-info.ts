import { execFileSync, type StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What `argoexec version` prints, of both halves. The names are those of packages/argoexec/src/build-info.ts. */
export interface BuildInfo {
  version: string;
  /** Of the commit, not of the build: the same source gives the same bytes. */
  buildDate: string;
  gitCommit: string;
  gitTag: string;
  gitTreeState: "clean" | "dirty" | "";
}

/** Outside a git checkout all that git would say is empty, and the date is SOURCE_DATE_EPOCH's or 1970. */
export function readBuildInfo(checkout: string): BuildInfo {
  const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { version: string };
  const git = (...argv: string[]): string | undefined => {
    try {
      const stdio: StdioOptions = ["ignore", "pipe", "ignore"];
      return execFileSync("git", argv, { cwd: checkout, encoding: "utf8", stdio }).trim();
    } catch {
      return undefined; // no repository, or no tag: both are answers
    }
  };
  const status = git("status", "--porcelain");
  const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct") ?? 0);
  return {
    version,
    buildDate: new Date(seconds * 1000).toISOString().replace(".000Z", "Z"),
    gitCommit: git("rev-parse", "HEAD") ?? "",
    gitTag: git("describe", "--exact-match", "--tags", "HEAD") ?? "",
    gitTreeState: status === undefined ? "" : status === "" ? "clean" : "dirty",
  };
}
