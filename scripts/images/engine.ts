import { execFile, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ownArchitecture } from "../build/architecture.ts";

export type EngineName = "docker" | "podman" | "buildah";

/** What builds images on this machine. */
export interface Engine {
  name: EngineName;
  /** Builds one target; what the engine says goes to stderr. Rejects when it fails. */
  build(options: BuildOptions): Promise<void>;
  hasImage(image: string): Promise<boolean>;
  /** Whether it could be pulled. */
  pull(image: string): Promise<boolean>;
  /** Makes an image of one layer out of a tar file. */
  importTar(path: string, image: string): Promise<void>;
  /**
   * Runs a program of the image in a container without capabilities, with the network of this machine and a read-only root
   * file system, /tmp included, as Kubernetes has it; `undefined` when this engine only builds.
   */
  run: ((image: string, options: RunOptions) => Promise<ProgramEnd>) | undefined;
  /** Writes the image as an archive that holds its layers as tar files, in the layout of OCI or of docker. */
  save(image: string, path: string): Promise<void>;
  /** Takes a name away, and the image with its last one. */
  remove(image: string): Promise<void>;
}

export interface BuildOptions {
  directory: string;
  dockerfile: string;
  target: string;
  image: string;
  platform: string | undefined;
  /** Seconds since 1970, for all files and for the image. */
  timestamp: number;
  args: Readonly<Record<string, string>>;
  /** Layers of earlier builds are not looked at. */
  noCache: boolean;
}

export interface RunOptions {
  /** Default: the image's own. */
  user?: number;
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Directories and files of this machine by their places in the container. Whether they can be written: only as here. */
  mounts?: Readonly<Record<string, string>>;
}

export interface ProgramEnd {
  exitCode: number;
  /** stdout, then stderr. */
  output: string;
}

/** Without a daemon, limits and networks of its own are what a container may lack here; the file says so to podman. */
const CONTAINERS_CONF = join(import.meta.dirname, "../containers/containers.conf");

/** The first of docker, podman and buildah that is there and works, or the one that is asked for. */
export function chooseEngine(wanted: string | undefined): Engine {
  const names: EngineName[] = ["docker", "podman", "buildah"];
  const tried = names.filter((name) => wanted === undefined || name === wanted);
  const found = tried.find(works);
  if (found) return createEngine(found);
  throw new Error(
    `nothing here builds images: tried ${tried.join(", ") || wanted}\n  docker: needs a running engine (docs.docker.com/engine/install)\n  podman: Debian: apt-get install podman runc catatonit\n  buildah: Debian: apt-get install buildah runc`,
  );
}

function works(name: EngineName): boolean {
  try {
    execFileSync(name, name === "docker" ? ["info"] : ["images"], {
      stdio: "ignore",
      env: environment(name),
    });
    return true;
  } catch {
    return false; // not there, or without its daemon
  }
}

function environment(name: EngineName): NodeJS.ProcessEnv {
  return name === "docker"
    ? { ...process.env, DOCKER_BUILDKIT: "1" }
    : { ...process.env, CONTAINERS_CONF: process.env.CONTAINERS_CONF ?? CONTAINERS_CONF };
}

function createEngine(name: EngineName): Engine {
  const env = environment(name);
  const run = promisify(execFile);
  const quietly = (...args: string[]) => run(name, args, { env, maxBuffer: 64 * 1024 * 1024 });
  return {
    name,
    build: (options) =>
      follow(name, buildArguments(name, options), options.directory, env, options.timestamp),
    hasImage: (image) =>
      quietly(
        ...(name === "docker" ? ["image", "inspect", image] : ["inspect", "--type", "image", image]),
      ).then(
        () => true,
        () => false,
      ),
    pull: (image) =>
      quietly("pull", image).then(
        () => true,
        () => false,
      ),
    async importTar(path, image) {
      if (name !== "buildah") return void (await quietly("import", path, image));
      const { stdout } = await quietly("from", "scratch");
      const container = stdout.trim();
      await quietly("add", container, path, "/");
      await quietly("commit", "--rm", container, image);
    },
    run:
      name === "buildah"
        ? undefined
        : (image, options) => endOf(quietly("run", ...runArguments(name, image, options))),
    async save(image, path) {
      if (name === "buildah") await quietly("push", image, `oci-archive:${path}`);
      else
        await quietly("save", ...(name === "podman" ? ["--format", "oci-archive"] : []), "-o", path, image);
    },
    remove: async (image) => void (await quietly("rmi", image)),
  };
}

function runArguments(
  name: EngineName,
  image: string,
  { user, argv: [program = "", ...args], env = {}, mounts = {} }: RunOptions,
): string[] {
  return [
    ...["--rm", "--read-only", "--cap-drop=all", "--network=host"],
    // podman would put places that can be written over /tmp and others, and give every user a name.
    ...(name === "podman" ? ["--read-only-tmpfs=false", "--passwd=false"] : []),
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...Object.entries(env).map(([key, value]) => `--env=${key}=${value}`),
    ...Object.entries(mounts).map(([place, path]) => `--volume=${path}:${place}`),
    `--entrypoint=${program}`,
    image,
    ...args,
  ];
}

async function endOf(running: Promise<{ stdout: string; stderr: string }>): Promise<ProgramEnd> {
  try {
    const { stdout, stderr } = await running;
    return { exitCode: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { exitCode: code ?? -1, output: stdout + stderr };
  }
}

function buildArguments(name: EngineName, options: BuildOptions): string[] {
  const { dockerfile, target, image, platform, timestamp, args, noCache } = options;
  const epoch = String(timestamp);
  return [
    "build",
    ...(name === "docker"
      ? ["--progress=plain", "--build-arg", `SOURCE_DATE_EPOCH=${epoch}`]
      : ["--isolation=chroot", "--format=oci", `--timestamp=${epoch}`]),
    ...(name === "buildah" ? ["--layers"] : []),
    ...(noCache ? ["--no-cache"] : []),
    ...(platform === undefined ? [] : [`--platform=${platform}`, ...buildPlatform(name)]),
    ...Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...["--file", dockerfile, "--target", target, "--tag", image, "."],
  ];
}

/** The platform of the stages that run programs: docker knows it, older versions of the others have to be told. */
function buildPlatform(name: EngineName): string[] {
  return name === "docker" ? [] : ["--build-arg", `BUILDPLATFORM=linux/${ownArchitecture().go}`];
}

/** All that an engine says goes to stderr: stdout is for the table. */
function follow(
  program: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  epoch: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...env, SOURCE_DATE_EPOCH: String(epoch) },
      stdio: ["ignore", process.stderr, process.stderr],
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}`));
    });
  });
}
