/**
 * `make build`: everything in dist/. Cheap enough to be run every time, so nothing here guesses what has changed.
 *
 *     node scripts/build/main.ts [--arch amd64|arm64]
 *
 * --arch builds only what an image for another machine carries: dist/argoexec-ARCH.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { type Architecture, findArchitecture, ownArchitecture, treeName } from "./architecture.ts";
import { readBuildInfo } from "./build-info.ts";
import { bundleCore } from "./core/bundle-core.ts";
import { placeCore } from "./core/place-core.ts";
import { findRunner, noRunner } from "./foreign-node.ts";
import { nodePackage, placeNode } from "./node-binary.ts";
import { thirdPartyNotices } from "./notices.ts";
import { replaceFile, replaceWithCopy } from "./replace-file.ts";
import { buildSkein } from "./skein.ts";
import { softwareDocument } from "./software-document.ts";

const checkout = join(import.meta.dirname, "../..");
const dist = join(checkout, "dist");
const own = ownArchitecture();
const { values } = parseArgs({ options: { arch: { type: "string", default: own.go } } });
const architecture = findArchitecture(values.arch);

const info = readBuildInfo(checkout);
const core = await bundleCore(checkout, info);
buildFronts();
await buildTree(architecture);
const parts = [`${treeName(architecture)}/bin`, `${treeName(architecture)}/opt/skein/bin`];
parts.push(`${treeName(architecture)}/opt/skein/core`);
if (architecture === own) {
  const skein = await buildSkein(checkout, join(dist, "skein"));
  replaceFile(join(dist, "skein/THIRD-PARTY-NOTICES"), thirdPartyNotices(checkout, [skein]));
  parts.push("front", "skein");
}
for (const path of parts) {
  const megabytes = (sizeOf(join(dist, path)) / 1e6).toFixed(1);
  process.stdout.write(`build: ${relative(checkout, join(dist, path))} ${megabytes} MB\n`);
}

/** What an image carries below `/`, and what it is made of. */
async function buildTree(architecture: Architecture): Promise<void> {
  const tree = join(dist, treeName(architecture));
  const node = nodePackage(checkout, architecture);
  replaceWithCopy(join(tree, "bin/argoexec"), join(dist, "front", `linux-${architecture.go}`, "argoexec"));
  placeNode(node, join(tree, "opt/skein/bin/node"));
  const runner = findRunner(architecture, join(tree, "opt/skein/bin/node"));
  if (runner === undefined) process.stderr.write(noRunner(architecture));
  await placeCore(checkout, tree, core, runner);
  replaceWithCopy(join(tree, "opt/skein/LICENSE"), join(checkout, "LICENSE"));
  replaceWithCopy(join(tree, "opt/skein/NODE-LICENSE"), join(node, "LICENSE"));
  replaceFile(join(tree, "opt/skein/THIRD-PARTY-NOTICES"), thirdPartyNotices(checkout, [core.metafile]));
  const software = softwareDocument(checkout, info, core.metafile, architecture);
  replaceFile(join(dist, "images", `${treeName(architecture)}.spdx.json`), software);
}

function buildFronts(): void {
  execFileSync("sh", [join(checkout, "packages/front/build.sh")], {
    stdio: "inherit",
    env: {
      ...process.env,
      SKEIN_VERSION: info.version,
      SKEIN_BUILD_DATE: info.buildDate,
      SKEIN_GIT_COMMIT: info.gitCommit,
      SKEIN_GIT_TAG: info.gitTag,
      SKEIN_GIT_TREE_STATE: info.gitTreeState,
    },
  });
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
