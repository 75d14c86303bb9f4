/**
 * `make images`: builds localhost/skein/{argoexec,init,wait}:dev, and each with -nonroot, and prints what they are made of.
 *
 *     node scripts/images/main.ts [--engine docker|podman|buildah] [--base IMAGE] [--tag dev] [--platform linux/arm64]
 *                                 [--update] [--no-cache] [--write]
 *
 * --update takes the newest Debian packages and writes images/packages.lock; --write writes docs/image-sizes.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readBuildInfo } from "../build/build-info.ts";
import { chooseBase } from "./base-image.ts";
import { checkImages } from "./check-images.ts";
import { chooseEngine, type Engine } from "./engine.ts";
import { readLayers } from "./layers.ts";
import { lockedPackages } from "./packages-lock.ts";
import { type ImageSize, renderSizes, sizesPage } from "./sizes.ts";

const TARGETS = ["argoexec", "init", "wait"] as const;

const checkout = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    engine: { type: "string" },
    base: { type: "string" },
    tag: { type: "string", default: "dev" },
    platform: { type: "string" },
    update: { type: "boolean", default: false },
    "no-cache": { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const own = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
  if (values.platform !== undefined && values.platform !== own) {
    throw new Error(`dist/ was built for ${own}; for ${values.platform} run make images on such a machine`);
  }
  const engine = chooseEngine(values.engine);
  const base = await chooseBase(engine, values.base, say);
  say(`images: building with ${engine.name} on ${base}`);
  await buildAll(engine, base);
  await checkImages(engine, values.tag, say);
  const sizes = await measure(engine);
  process.stdout.write(renderSizes(sizes));
  if (values.write) writeFileSync(join(checkout, "docs/image-sizes.md"), sizesPage(sizes));
} catch (error) {
  say(`images: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function buildAll(engine: Engine, base: string): Promise<void> {
  const info = readBuildInfo(checkout);
  const common = {
    directory: checkout,
    dockerfile: "images/Dockerfile",
    platform: values.platform,
    timestamp: Date.parse(info.buildDate) / 1000,
    noCache: false,
  };
  const args = { BASE: base, VERSION: info.version, REVISION: info.gitCommit };
  const update: Record<string, string> = values.update ? { UPDATE_PACKAGES: "1" } : {};
  // The stage that the others take their files from, first: what it installed is what --update writes down.
  const packages = `localhost/skein/packages:${values.tag}`;
  await engine.build({
    ...common,
    target: "packages",
    image: packages,
    args: { ...args, ...update },
    noCache: values["no-cache"],
  });
  if (values.update) await updateLock(engine, packages);
  for (const target of TARGETS) {
    for (const suffix of ["", "-nonroot"]) {
      const image = `localhost/skein/${target}:${values.tag}${suffix}`;
      await engine.build({ ...common, target: `${target}${suffix}`, image, args: { ...args, ...update } });
    }
  }
}

async function updateLock(engine: Engine, packages: string): Promise<void> {
  const path = join(checkout, "images/packages.lock");
  await withSaved(engine, packages, (archive) => {
    const lock = readFileSync(path, "utf8");
    writeFileSync(path, lockedPackages(lock, archive));
  });
  say("images: images/packages.lock has the versions of this build");
}

async function measure(engine: Engine): Promise<ImageSize[]> {
  const sizes: ImageSize[] = [];
  for (const target of TARGETS) {
    const image = `localhost/skein/${target}:${values.tag}`;
    await withSaved(engine, image, (archive) => {
      sizes.push({ image, layers: readLayers(archive) });
    });
  }
  return sizes;
}

async function withSaved(engine: Engine, image: string, work: (archive: string) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skein-image-"));
  try {
    const archive = join(directory, "image.tar");
    await engine.save(image, archive);
    work(archive);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
