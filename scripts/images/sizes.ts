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

/** docs/image-sizes.md. */
export function sizesPage(sizes: readonly ImageSize[]): string {
  const rows = sizes.flatMap(({ image, layers }) => [
    `| **${image.replace("localhost/", "")}** | **${megabytes(sum(layers, "bytes"))}** | **${megabytes(sum(layers, "compressedBytes"))}** |`,
    ...layers.map(
      (layer) =>
        `| ${describe(layer, layers)} | ${megabytes(layer.bytes)} | ${megabytes(layer.compressedBytes)} |`,
    ),
  ]);
  return `# Sizes of the images

Written by \`make images WRITE=1\`; do not edit. Megabytes of 10⁶ bytes; compressed as a registry keeps the layers (gzip). For linux/${process.arch === "x64" ? "amd64" : process.arch}.

| image, layer | MB | compressed MB |
| --- | ---: | ---: |
${rows.join("\n")}
`;
}
