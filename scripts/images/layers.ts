import { execFileSync } from "node:child_process";
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
  const directory = mkdtempSync(join(tmpdir(), "skein-layers-"));
  try {
    execFileSync("tar", ["-xf", archive, "-C", directory]);
    const blob = ({ digest }: Descriptor): Buffer =>
      readFileSync(join(directory, "blobs", digest.replace(":", "/")));
    const json = (descriptor: Descriptor): unknown => JSON.parse(blob(descriptor).toString("utf8"));
    const index = JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as {
      manifests: Descriptor[];
    };
    const [first] = index.manifests;
    if (!first) throw new Error(`${archive} holds no image`);
    const manifest = json(first) as { layers: Descriptor[] };
    return manifest.layers.map((descriptor) => {
      const content = blob(descriptor);
      const tar = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
      return {
        bytes: tar.byteLength,
        compressedBytes: gzipSync(tar).byteLength,
        digest: createHash("sha256").update(tar).digest("hex"),
      };
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
