/**
 * `make images`: builds localhost/skein/{argoexec,init,wait}:dev, and each with -nonroot, and prints what they are made of.
 *
 *     node scripts/images/main.ts [--engine docker|podman|buildah] [--base IMAGE] [--tag dev] [--platform linux/arm64]
 *                                 [--update] [--no-cache] [--write]
 *
 * --update takes the newest Debian packages and writes images/packages.lock; --write writes docs/image-sizes.md.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Architecture, findArchitecture, ownArchitecture, treeName } from "../build/architecture.ts";
import { readBuildInfo } from "../build/build-info.ts";
import { chooseBase } from "./base-image.ts";
import { checkImages } from "./check-images.ts";
import { chooseEngine, type Engine } from "./engine.ts";
import { readImageFile, readLayers } from "./layers.ts";
import { type ImageSize, renderSizes, sizesPage } from "./sizes.ts";

const TARGETS = ["argoexec", "init", "wait"] as const;

/**
 * Of every file in an image. The same for all versions of Skein, so that a new version brings new layers only where
 * files have changed; when an image was made is in its label.
 */
const FILE_TIME_SECONDS = Date.UTC(1980, 0, 1) / 1000;

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
  const architecture = findArchitecture(values.platform ?? process.arch);
  const engine = chooseEngine(values.engine);
  const base = await chooseBase(engine, values.base, say);
  if (architecture !== ownArchitecture()) buildTree(architecture);
  say(`images: building with ${engine.name} on ${base}`);
  await buildAll(engine, base, architecture);
  if (architecture === ownArchitecture()) await checkImages(engine, values.tag, say);
  const sizes = await measure(engine);
  process.stdout.write(renderSizes(sizes));
  if (values.write) writeFileSync(join(checkout, "docs/image-sizes.md"), sizesPage(sizes));
} catch (error) {
  say(`images: ${(error as Error).message}`);
  process.exitCode = 1;
}

/** What `make build` makes for this machine only. */
function buildTree({ go }: Architecture): void {
  const program = join(checkout, "scripts/build/main.ts");
  execFileSync(process.execPath, [program, "--arch", go], {
    stdio: ["ignore", process.stderr, process.stderr],
  });
}

async function buildAll(engine: Engine, base: string, architecture: Architecture): Promise<void> {
  const info = readBuildInfo(checkout);
  const common = {
    directory: checkout,
    dockerfile: "images/Dockerfile",
    platform: architecture === ownArchitecture() ? undefined : `linux/${architecture.go}`,
    timestamp: FILE_TIME_SECONDS,
    noCache: false,
    args: {
      BASE: base,
      ARCHITECTURE: architecture.go,
      TREE: treeName(architecture),
      VERSION: info.version,
      REVISION: info.gitCommit,
      CREATED: info.buildDate,
      ...(values.update ? { UPDATE_PACKAGES: "1" } : {}),
    },
  };
  // The stage that the others take their files from, first: what it found is what --update writes down.
  const packages = `localhost/skein/packages:${values.tag}`;
  await engine.build({ ...common, target: "packages", image: packages, noCache: values["no-cache"] });
  if (values.update) await updateLock(engine, packages);
  for (const target of TARGETS) {
    for (const suffix of ["", "-nonroot"]) {
      const image = `localhost/skein/${target}:${values.tag}${suffix}`;
      await engine.build({ ...common, target: `${target}${suffix}`, image });
    }
  }
}

async function updateLock(engine: Engine, packages: string): Promise<void> {
  await withSaved(engine, packages, (archive) => {
    writeFileSync(join(checkout, "images/packages.lock"), readImageFile(archive, "parts/packages.lock"));
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
