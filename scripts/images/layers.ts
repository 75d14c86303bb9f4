import { execFileSync, type StdioOptions } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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

/** Reads the layers out of an archive in the layout of OCI: https://github.com/opencontainers/image-spec */
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

/** @param work is given the layers' files, lowest first */
function withLayers<T>(archive: string, work: (layers: string[]) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "skein-layers-"));
  try {
    execFileSync("tar", ["-xf", archive, "-C", directory]);
    const pathOf = ({ digest }: Descriptor): string => join(directory, "blobs", digest.replace(":", "/"));
    const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
    const [first] = (json(join(directory, "index.json")) as { manifests: Descriptor[] }).manifests;
    if (!first) throw new Error(`${archive} holds no image`);
    const manifest = json(pathOf(first)) as { layers: Descriptor[] };
    return work(manifest.layers.map(pathOf));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
