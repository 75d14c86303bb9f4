import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import type { Architecture } from "./architecture.ts";
import type { BuildInfo } from "./build-info.ts";
import { bundledPackages } from "./notices.ts";

/** A package of an SPDX 2.3 document: https://spdx.github.io/spdx-spec/v2.3/package-information/ */
interface SpdxPackage {
  SPDXID: string;
  name: string;
  versionInfo: string;
  downloadLocation: string;
  licenseConcluded: string;
  licenseDeclared: string;
  copyrightText: string;
  filesAnalyzed: false;
  primaryPackagePurpose?: string;
  checksums?: { algorithm: string; checksumValue: string }[];
  externalRefs: { referenceCategory: "PACKAGE-MANAGER"; referenceType: "purl"; referenceLocator: string }[];
}

/**
 * What the executor is made of, as an SPDX 2.3 document: Node.js, the npm packages that ended up in the core's bundle, with
 * the hashes of the lock file, and the front with the Go library it is linked with. The build of an image adds the Debian
 * packages (images/sbom.mjs).
 */
export function softwareDocument(
  checkout: string,
  info: BuildInfo,
  core: Metafile,
  architecture: Architecture,
): string {
  const lock = readLock(checkout);
  const packages = [
    newPackage("argoexec", info.version, "Apache-2.0", `pkg:generic/skein-argoexec@${info.version}`, {
      primaryPackagePurpose: "CONTAINER",
    }),
    newPackage("go-standard-library", goVersion(), "BSD-3-Clause", `pkg:golang/std@${goVersion()}`),
    npmPackage(`node-linux-${architecture.npm}`, lock),
    ...bundledPackages([core]).map((directory) =>
      npmPackage(directory.replace(/^.*?node_modules\//, ""), lock),
    ),
  ];
  const unique = [...new Map(packages.map((each) => [each.SPDXID, each])).values()];
  const [root] = unique;
  return `${JSON.stringify(
    {
      spdxVersion: "SPDX-2.3",
      dataLicense: "CC0-1.0",
      SPDXID: "SPDXRef-DOCUMENT",
      name: `skein-argoexec-${info.version}`,
      documentNamespace: `https://skein.dev/spdx/argoexec-${info.version}-${architecture.go}-${info.gitCommit || "unknown"}`,
      creationInfo: { created: info.buildDate, creators: [`Tool: skein-build-${info.version}`] },
      packages: unique,
      relationships: [
        relationship("SPDXRef-DOCUMENT", "DESCRIBES", root?.SPDXID ?? ""),
        ...unique.slice(1).map(({ SPDXID }) => relationship(root?.SPDXID ?? "", "CONTAINS", SPDXID)),
      ],
    },
    undefined,
    1,
  )}\n`;
}

type Lock = Readonly<Record<string, { version?: string; license?: string; integrity?: string }>>;

function readLock(checkout: string): Lock {
  const { packages } = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")) as {
    packages: Lock;
  };
  return packages;
}

function npmPackage(path: string, lock: Lock): SpdxPackage {
  const { version = "", license, integrity } = lock[`node_modules/${path}`] ?? {};
  const name = path.replace(/^.*node_modules\//, "");
  const [, algorithm = "", digest = ""] = /^(sha\d+)-(.+)$/.exec(integrity ?? "") ?? [];
  return newPackage(
    name,
    version,
    license ?? "NOASSERTION",
    `pkg:npm/${name.replace("@", "%40")}@${version}`,
    {
      ...(digest
        ? {
            checksums: [
              {
                algorithm: algorithm.toUpperCase(),
                checksumValue: Buffer.from(digest, "base64").toString("hex"),
              },
            ],
          }
        : {}),
    },
  );
}

function newPackage(
  name: string,
  version: string,
  license: string,
  purl: string,
  more: Partial<SpdxPackage> = {},
): SpdxPackage {
  return {
    SPDXID: `SPDXRef-${`${name}-${version}`.replace(/[^A-Za-z0-9.-]+/g, "-")}`,
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    licenseConcluded: "NOASSERTION",
    licenseDeclared: license,
    copyrightText: "NOASSERTION",
    filesAnalyzed: false,
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
    ...more,
  };
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function goVersion(): string {
  return execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).trim().replace(/^go/, "");
}
