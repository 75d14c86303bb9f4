/**
 * `make images`: builds localhost/skein/{argoexec,init,wait}:dev, and each with -nonroot, and prints what they are made of.
 *
 *     node scripts/images/main.ts [--engine docker|podman|buildah] [--base IMAGE] [--tag dev] [--platform linux/arm64]
 *                                 [--update] [--no-cache] [--write] [--verify]
 *
 * --update takes the newest Debian packages and writes images/packages.lock; --write writes docs/image-sizes.md; --verify
 * builds everything once more, from the sources on and without what the engine remembers, and compares the layers.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Architecture, findArchitecture, ownArchitecture, treeName } from "../build/architecture.ts";
import { readBuildInfo } from "../build/build-info.ts";
import { chooseBase } from "./base-image.ts";
import { checkForeign } from "./check-foreign.ts";
import { checkImages } from "./check-images.ts";
import { type BuildOptions, chooseEngine, type Engine } from "./engine.ts";
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
    verify: { type: "boolean", default: false },
  },
});
/** An edit during the build makes other layers, and is no lack of reproducibility. */
const builtFrom = JSON.stringify(readBuildInfo(checkout));
const say = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const architecture = findArchitecture(values.platform ?? process.arch);
  const engine = chooseEngine(values.engine);
  const base = await chooseBase(engine, values.base, say);
  if (architecture !== ownArchitecture()) buildTree(architecture);
  say(`images: building with ${engine.name} on ${base}`);
  await buildAll(engine, base, architecture);
  if (architecture === ownArchitecture()) await checkImages(engine, values.tag, say);
  else await checkForeign(engine, imageName("argoexec"), { architecture, say });
  const sizes = await measure(engine, TARGETS);
  process.stdout.write(renderSizes(sizes));
  if (values.verify) await verify(engine, base, architecture, sizes);
  if (values.write)
    writeFileSync(join(checkout, "docs/image-sizes.md"), sizesPage(sizes, `linux/${architecture.go}`));
} catch (error) {
  say(`images: ${(error as Error).message}`);
  process.exitCode = 1;
}

/** `make build` makes it for this machine. */
function buildTree({ go }: Architecture): void {
  const program = join(checkout, "scripts/build/main.ts");
  execFileSync(process.execPath, [program, "--arch", go], {
    stdio: ["ignore", process.stderr, process.stderr],
  });
}

function imageName(target: string): string {
  return `localhost/skein/${target}:${values.tag}`;
}

/** What holds for all targets. */
function commonOptions(base: string, architecture: Architecture): Omit<BuildOptions, "target" | "image"> {
  const info = readBuildInfo(checkout);
  return {
    directory: checkout,
    dockerfile: "images/Dockerfile",
    platform: architecture === ownArchitecture() ? undefined : `linux/${architecture.go}`,
    timestamp: FILE_TIME_SECONDS,
    noCache: false,
    args: {
      BASE: base,
      FILE_TIME: String(FILE_TIME_SECONDS),
      ARCHITECTURE: architecture.go,
      TREE: treeName(architecture),
      VERSION: info.version,
      REVISION: info.gitCommit,
      CREATED: info.buildDate,
    },
  };
}

async function buildAll(engine: Engine, base: string, architecture: Architecture): Promise<void> {
  const common = commonOptions(base, architecture);
  const { update, "no-cache": noCache } = values;
  // The stage that the others take their files from, first: what it found is what --update writes down.
  const packages = { ...common, target: "packages", image: imageName("packages") };
  if (update) {
    await engine.build({ ...packages, noCache: true, args: { ...common.args, UPDATE_PACKAGES: "1" } });
    await updateLock(engine, packages.image);
  }
  await engine.build({ ...packages, noCache });
  for (const target of TARGETS) {
    for (const suffix of ["", "-nonroot"]) {
      await engine.build({ ...common, target: `${target}${suffix}`, image: `${imageName(target)}${suffix}` });
    }
  }
}

/** @throws Error that names an image whose layers come out otherwise */
async function verify(
  engine: Engine,
  base: string,
  architecture: Architecture,
  sizes: readonly ImageSize[],
): Promise<void> {
  buildTree(architecture);
  const common = commonOptions(base, architecture);
  for (const target of ["argoexec", "wait"]) {
    const again = `${target}-again`;
    await engine.build({ ...common, target, image: imageName(again), noCache: true });
    try {
      const before = digestsOf(target, sizes);
      const after = digestsOf(again, await measure(engine, [again]));
      refuseDifferences(target, before, after);
      say(
        `images: ${target} built twice, ${after.length} layers, all the same: ${after.map((each) => each.slice(0, 12)).join(" ")}`,
      );
    } finally {
      await engine.remove(imageName(again));
    }
  }
}

function digestsOf(target: string, of: readonly ImageSize[]): string[] {
  return of.find(({ image }) => image === imageName(target))?.layers.map(({ digest }) => digest) ?? [];
}

function refuseDifferences(target: string, before: readonly string[], after: readonly string[]): void {
  const others = before.flatMap((digest, index) => (digest === after[index] ? [] : [index + 1]));
  if (others.length === 0) return;
  const now = JSON.stringify(readBuildInfo(checkout));
  const why =
    now === builtFrom
      ? ""
      : `; the checkout has changed since the first: from ${builtFrom} to ${now}. Try again`;
  throw new Error(`${target} came out otherwise the second time: layers ${others}${why}`);
}

async function updateLock(engine: Engine, packages: string): Promise<void> {
  await withSaved(engine, packages, (archive) => {
    writeFileSync(join(checkout, "images/packages.lock"), readImageFile(archive, "parts/packages.lock"));
  });
  say("images: images/packages.lock has the versions of this build");
}

async function measure(engine: Engine, targets: readonly string[]): Promise<ImageSize[]> {
  const sizes: ImageSize[] = [];
  for (const image of targets.map(imageName)) {
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
