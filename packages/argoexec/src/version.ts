import type { BuildInfo } from "./build-info.ts";

/** What `argoexec version` prints (contract §2.2); Node takes the place of Go. */
export function versionText(info: BuildInfo, short: boolean): string {
  const lines = [`argoexec: ${info.version}`];
  if (!short) {
    lines.push(`  BuildDate: ${info.buildDate}`, `  GitCommit: ${info.gitCommit}`);
    lines.push(`  GitTreeState: ${info.gitTreeState}`);
    if (info.gitTag) lines.push(`  GitTag: ${info.gitTag}`);
    lines.push(`  NodeVersion: ${process.version}`, `  Platform: ${process.platform}/${process.arch}`);
  }
  return `${lines.join("\n")}\n`;
}
