import { execFileSync, type StdioOptions } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

export interface Layer {
  bytes: number;
  /** Compressed by gzip at its default level, as a registry keeps it. */
  compressedBytes: number;
  /** SHA-256 of the tar. */
  digest: string;
}

interface Descriptor {
  digest: string;
}

/** The layers of an archive in the layout of OCI (https://github.com/opencontainers/image-spec) or of `docker save`. */
export function readLayers(archive: string): Layer[] {
  return withLayers(archive, (layers) =>
    layers.map((path) => {
      const content = readFileSync(path);
      const tar = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
      return {
        bytes: tar.byteLength,
        compressedBytes: gzipSync(tar).byteLength,
        digest: createHash("sha256").update(tar).digest("hex"),
      };
    }),
  );
}

/**
 * A file of an image.
 *
 * @param path without the first slash
 * @throws Error when no layer has it
 */
export function readImageFile(archive: string, path: string): string {
  return withLayers(archive, (layers) => {
    for (const layer of layers.reverse()) {
      try {
        const stdio: StdioOptions = ["ignore", "pipe", "ignore"];
        return execFileSync("tar", ["-xOf", layer, path], { encoding: "utf8", stdio });
      } catch {
        // Another layer has it.
      }
    }
    throw new Error(`${archive} has no file ${path}`);
  });
}

/** Puts all files of an image below a directory, for images that leave nothing of a lower layer out. */
export function unpackImage(archive: string, root: string): void {
  withLayers(archive, (layers) => {
    for (const layer of layers) execFileSync("tar", ["-xf", layer, "-C", root, "--keep-directory-symlink"]);
  });
}

/** @param work is given the layers' files, lowest first */
function withLayers<T>(archive: string, work: (layers: string[]) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "skein-layers-"));
  try {
    execFileSync("tar", ["-xf", archive, "-C", directory]);
    return work(layerPaths(directory).map((path) => join(directory, path)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** docker has a list of its own, in old versions that alone; the others have OCI's. */
function layerPaths(directory: string): string[] {
  const json = (path: string): unknown => JSON.parse(readFileSync(join(directory, path), "utf8"));
  if (existsSync(join(directory, "manifest.json"))) {
    const [image] = json("manifest.json") as { Layers: string[] }[];
    return image?.Layers ?? [];
  }
  const pathOf = ({ digest }: Descriptor): string => join("blobs", digest.replace(":", "/"));
  const [manifest] = (json("index.json") as { manifests: Descriptor[] }).manifests;
  return manifest ? (json(pathOf(manifest)) as { layers: Descriptor[] }).layers.map(pathOf) : [];
}
