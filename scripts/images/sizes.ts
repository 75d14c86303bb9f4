import type { Layer } from "./layers.ts";

export interface ImageSize {
  image: string;
  layers: readonly Layer[];
}

const RUNTIME = ["C and C++ library, certificates, time zones, MIME types", "Node.js"];
const GIT = ["git, its libraries for http, and a shell for it", "ssh client, nss_wrapper", "git-lfs"];
const EXECUTOR = ["licences", "SBOM", "the core and its code caches", "the front"];

/** What the layers hold, in the order of images/Dockerfile. */
const CONTENTS: readonly (readonly string[])[] = [
  [...RUNTIME, ...GIT, ...EXECUTOR],
  [...RUNTIME, ...EXECUTOR],
];

/** For a terminal. */
export function renderSizes(sizes: readonly ImageSize[]): string {
  const lines = ["", "image / layer                                                   MB   compressed MB"];
  for (const { image, layers } of sizes) {
    lines.push(line(image, sum(layers, "bytes"), sum(layers, "compressedBytes")));
    for (const layer of layers)
      lines.push(line(`  ${describe(layer, layers)}`, layer.bytes, layer.compressedBytes));
  }
  return `${lines.join("\n")}\n`;
}

function line(what: string, bytes: number, compressed: number): string {
  return `${what.padEnd(58)} ${megabytes(bytes).padStart(7)}   ${megabytes(compressed).padStart(7)}`;
}

function sum(layers: readonly Layer[], key: "bytes" | "compressedBytes"): number {
  return layers.reduce((total, layer) => total + layer[key], 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** An engine that makes other layers than the file has lines gets them numbered. */
function describe(layer: Layer, layers: readonly Layer[]): string {
  const index = layers.indexOf(layer);
  return CONTENTS.find(({ length }) => length === layers.length)?.[index] ?? `layer ${index + 1}`;
}

/** docs/image-sizes.md. The images with git have the same layers; the one without has some of them. */
export function sizesPage(sizes: readonly ImageSize[], platform: string): string {
  const layersOf = (name: string): readonly Layer[] =>
    sizes.find(({ image }) => image.includes(`/${name}:`))?.layers ?? [];
  const [all, few] = [layersOf("argoexec"), layersOf("wait")];
  const inFew = new Set(few.map((layer) => describe(layer, few)));
  const rows = all.map((layer) => {
    const what = describe(layer, all);
    return `| ${what} | ${megabytes(layer.bytes)} | ${megabytes(layer.compressedBytes)} | ${inFew.has(what) ? "yes" : "–"} |`;
  });
  const total = (layers: readonly Layer[]): string =>
    `${megabytes(sum(layers, "bytes"))} MB, ${megabytes(sum(layers, "compressedBytes"))} compressed`;
  const renewed = all.slice(-EXECUTOR.length);
  return `# Sizes of the images

Written by \`make images WRITE=1\`; do not edit. Megabytes of 10⁶ bytes; compressed as a registry keeps the layers (gzip). For ${platform}.

| layer | MB | compressed MB | in \`wait\` |
| --- | ---: | ---: | --- |
${rows.join("\n")}
| **\`argoexec\`, \`init\`** | **${megabytes(sum(all, "bytes"))}** | **${megabytes(sum(all, "compressedBytes"))}** | |
| **\`wait\`** | **${megabytes(sum(few, "bytes"))}** | **${megabytes(sum(few, "compressedBytes"))}** | |

The tags that end in \`-nonroot\` have the same layers. A node that has one of the images pulls of the others only what it lacks. A new version
with the same Node.js and Debian packages brings the last ${EXECUTOR.length} layers: ${total(renewed)}.
`;
}
