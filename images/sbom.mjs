// Adds the Debian packages that files of an image come from to the SPDX document of the executor:
//
//     node sbom.mjs SOFTWARE.SPDX.JSON PARTS PART… > sbom.spdx.json
//
// PARTS is what collect.sh has made. Runs while an image is built, in the Node.js that goes into it; needs nothing else.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [software, parts, ...wanted] = process.argv.slice(2);
const document = JSON.parse(readFileSync(software, "utf8"));
const [root] = document.packages;

const lines = (name) =>
  readFileSync(join(parts, name), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t"));

const owners = new Set(
  lines("files.tsv")
    .filter(([part, , owner]) => wanted.includes(part) && owner !== "-")
    .map(([, , owner]) => owner),
);
for (const [name, version, architecture, source] of lines("packages.tsv")) {
  if (!owners.has(name)) continue;
  const id = `SPDXRef-deb-${`${name}-${version}`.replace(/[^A-Za-z0-9.-]+/g, "-")}`;
  const qualifiers = `arch=${architecture}&distro=debian-12`;
  document.packages.push({
    SPDXID: id,
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    filesAnalyzed: false,
    sourceInfo: `built from Debian's source package ${source}`,
    externalRefs: [
      {
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${qualifiers}`,
      },
    ],
  });
  document.relationships.push({
    spdxElementId: root.SPDXID,
    relationshipType: "CONTAINS",
    relatedSpdxElement: id,
  });
}
process.stdout.write(`${JSON.stringify(document, undefined, 1)}\n`);
