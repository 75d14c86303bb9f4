import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/** The directories of the npm packages of which something ended up in a bundle, from the checkout on. */
export function bundledPackages(metafiles: readonly Metafile[]): string[] {
  const directories = new Set<string>();
  for (const output of metafiles.flatMap(({ outputs }) => Object.values(outputs))) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const [, directory] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
      if (directory !== undefined && bytesInOutput > 0) directories.add(directory);
    }
  }
  return [...directories].sort();
}

/**
 * The licences of every npm package that ended up in a bundle, as most of them demand. The text is that of the
 * package's own licence and notice files; where there are none, what its package.json says.
 */
export function thirdPartyNotices(checkout: string, metafiles: readonly Metafile[]): string {
  const directories = bundledPackages(metafiles);
  const notices = new Set(directories.map((directory) => packageNotice(join(checkout, directory))));
  const rule = `\n\n${"-".repeat(80)}\n\n`;
  return `The programs beside this file contain parts of these packages.${rule}${[...notices].sort().join(rule)}\n`;
}

function packageNotice(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const texts = readdirSync(directory)
    .filter((file) => /^(licen[cs]e|notice|copying)([.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(directory, file), "utf8").trim());
  return [`${name} ${version} (${license ?? "see below"})`, ...texts].join("\n\n");
}
