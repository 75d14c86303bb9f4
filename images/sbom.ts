/**
 * Adds the Debian packages that files of an image come from to the SPDX document of the executor:
 *
 *     node sbom.ts SOFTWARE.SPDX.JSON UNPACKED FILES.TSV PART… > sbom.spdx.json
 *
 * UNPACKED is what fetch.sh has made, FILES.TSV the list of collect.ts. Runs while an image is built, and needs nothing
 * but Node.js.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

interface SpdxDocument {
  packages: { SPDXID: string; [field: string]: unknown }[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

const [software = "", unpacked = "", files = "", ...parts] = process.argv.slice(2);
const document = JSON.parse(readFileSync(software, "utf8")) as SpdxDocument;
const product = document.packages[0]?.SPDXID ?? "";

const taken = lines(files)
  .map((line) => line.split("\t"))
  .filter(([part = ""]) => parts.includes(part));
const hashes = new Map(
  lines(join(unpacked, "packages.sha256")).map((line): [string, string] => {
    const [hash = "", name = ""] = line.split(" ");
    return [name, hash];
  }),
);
for (const name of [...new Set(taken.map(([, , owner = ""]) => owner))].sort()) addPackage(name);
process.stdout.write(`${JSON.stringify(document, undefined, 1)}\n`);

function addPackage(name: string): void {
  const control = readFileSync(join(unpacked, "control", name), "utf8");
  const field = (key: string): string => new RegExp(`^${key}: (.*)$`, "m").exec(control)?.[1] ?? "";
  const version = field("Version");
  const id = `SPDXRef-deb-${`${name}-${version}`.replace(/[^A-Za-z0-9.-]+/g, "-")}`;
  const locator = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
  document.packages.push({
    SPDXID: id,
    name,
    versionInfo: version,
    supplier: `Organization: ${field("Maintainer").replace(/ *<.*/, "")}`,
    downloadLocation: "NOASSERTION",
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    filesAnalyzed: false,
    sourceInfo: `built from Debian's source package ${field("Source") || name}`,
    checksums: [{ algorithm: "SHA256", checksumValue: hashes.get(name) ?? "" }],
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: `${locator}?arch=${field("Architecture")}&distro=debian-12`,
      },
    ],
  });
  document.relationships.push({
    spdxElementId: product,
    relationshipType: "CONTAINS",
    relatedSpdxElement: id,
  });
}

function lines(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").filter(Boolean);
}
