/** `make build`: everything in dist/. Cheap enough to be run every time, so nothing here guesses what has changed. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { readBuildInfo } from "./build-info.ts";
import { bundleCore } from "./core/bundle-core.ts";
import { placeCore } from "./core/place-core.ts";
import { nodeLicence, placeNode } from "./node-binary.ts";
import { thirdPartyNotices } from "./notices.ts";
import { replaceFile, replaceWithCopy } from "./replace-file.ts";
import { buildSkein } from "./skein.ts";
import { softwareDocument } from "./software-document.ts";

const checkout = join(import.meta.dirname, "../..");
const dist = join(checkout, "dist");
/** What an image carries below `/`. */
const tree = join(dist, "argoexec");

const info = readBuildInfo(checkout);
buildFronts();
replaceWithCopy(join(tree, "bin/argoexec"), join(dist, "front", `linux-${goArchitecture()}`, "argoexec"));
mkdirSync(join(tree, "opt/skein/bin"), { recursive: true });
placeNode(checkout, join(tree, "opt/skein/bin/node"));
const core = await bundleCore(checkout, info);
await placeCore(checkout, tree, core);
replaceWithCopy(join(tree, "opt/skein/LICENSE"), join(checkout, "LICENSE"));
replaceWithCopy(join(tree, "opt/skein/NODE-LICENSE"), nodeLicence(checkout));
replaceFile(join(tree, "opt/skein/THIRD-PARTY-NOTICES"), thirdPartyNotices(checkout, [core.metafile]));
replaceFile(join(dist, "images/software.spdx.json"), softwareDocument(checkout, info, core.metafile));
const skein = await buildSkein(checkout, join(dist, "skein"));
replaceFile(join(dist, "skein/THIRD-PARTY-NOTICES"), thirdPartyNotices(checkout, [skein]));
for (const path of ["argoexec/bin", "argoexec/opt/skein/bin", "argoexec/opt/skein/core", "front", "skein"]) {
  const megabytes = (sizeOf(join(dist, path)) / 1e6).toFixed(1);
  process.stdout.write(`build: ${relative(checkout, join(dist, path))} ${megabytes} MB\n`);
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

function goArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
