import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const checkout = join(import.meta.dirname, "../..");
const software = join(checkout, "dist/images/argoexec.spdx.json");

interface SpdxDocument {
  [field: string]: unknown;
  packages: {
    [field: string]: unknown;
    SPDXID: string;
    name: string;
    versionInfo: string;
    externalRefs: { referenceLocator: string }[];
  }[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

const HASH = "0123456789abcdef".repeat(4);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spdx-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The document of an image whose files come from these packages. */
function imageDocument(...parts: string[]): SpdxDocument {
  const controls = {
    git: "Package: git\nSource: git\nVersion: 1:2.39.5-0+deb12u3\nArchitecture: amd64\n",
    libc6: "Package: libc6\nSource: glibc\nVersion: 2.36-9\nArchitecture: amd64\n",
    "perl-base": "Package: perl-base\nSource: perl\nVersion: 5.36\nArchitecture: amd64\n",
  };
  mkdirSync(join(directory, "control"), { recursive: true });
  for (const [name, control] of Object.entries(controls)) {
    writeFileSync(join(directory, "control", name), `${control}Maintainer: Some Team <team@example.com>\n`);
  }
  const hashes = Object.keys(controls).map((name) => `${HASH} ${name}\n`);
  writeFileSync(join(directory, "packages.sha256"), hashes.join(""));
  const files = join(directory, "files.tsv");
  writeFileSync(
    files,
    "base\t/usr/lib/libc.so.6\tlibc6\nbase\t/usr/lib/libm.so.6\tlibc6\ngit\t/usr/bin/git\tgit\n",
  );
  const argv = [join(checkout, "images/sbom.ts"), software, directory, files, ...parts];
  return JSON.parse(execFileSync("node", argv, { encoding: "utf8" })) as SpdxDocument;
}

describe("the list of software", () => {
  it("has what SPDX 2.3 demands of a document, a package and a relationship", () => {
    const document = imageDocument("base", "git");
    expect(document).toMatchObject({
      spdxVersion: "SPDX-2.3",
      dataLicense: "CC0-1.0",
      SPDXID: "SPDXRef-DOCUMENT",
      name: expect.stringMatching(/^skein-argoexec-/),
      documentNamespace: expect.stringMatching(/^https:\/\/[^#]+$/),
      creationInfo: {
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        creators: [expect.stringMatching(/^Tool: .+-.+$/)],
      },
    });
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    for (const each of document.packages) {
      expect(each.SPDXID).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
      expect(each).toMatchObject({
        name: expect.stringMatching(/./),
        versionInfo: expect.stringMatching(/./),
        downloadLocation: expect.stringMatching(/./),
        filesAnalyzed: false,
        licenseDeclared: expect.stringMatching(/./),
        externalRefs: [
          { referenceType: "purl", referenceLocator: expect.stringMatching(/^pkg:[a-z]+\/.+@.+/) },
        ],
      });
    }
    const known = new Set(["SPDXRef-DOCUMENT", ...ids]);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
      expect([known.has(spdxElementId), known.has(relatedSpdxElement)]).toEqual([true, true]);
    }
    expect(document.relationships[0]).toMatchObject({
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
    });
  });

  it("names the packages that files of the image come from, and no others", () => {
    const debian = (...parts: string[]) =>
      imageDocument(...parts).packages.flatMap(({ externalRefs: [ref] }) =>
        ref?.referenceLocator.startsWith("pkg:deb/") ? [ref.referenceLocator] : [],
      );
    expect(debian("base")).toEqual(["pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"]);
    expect(debian("base", "git")).toContain(
      "pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12",
    );
  });

  it("says of a Debian package who made it, from which source, and the hash of its archive", () => {
    expect(imageDocument("base").packages.find(({ name }) => name === "libc6")).toMatchObject({
      supplier: "Organization: Some Team",
      sourceInfo: "built from Debian's source package glibc",
      checksums: [{ algorithm: "SHA256", checksumValue: HASH }],
    });
  });

  it("has Node.js and the npm packages of the bundle, with the hashes of the lock file", () => {
    const { packages } = imageDocument("base");
    const names = packages.map(({ name }) => name);
    expect(names).toContain("@aws-sdk/client-s3");
    expect(names).not.toContain("vitest");
    const lock = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")) as {
      packages: Record<string, { version: string; integrity: string }>;
    };
    const node = packages.find(({ name }) => name === `node-linux-${process.arch}`);
    const { version, integrity } = lock.packages[`node_modules/node-linux-${process.arch}`] ?? {
      version: "",
      integrity: "",
    };
    expect(node).toMatchObject({
      versionInfo: version,
      checksums: [
        {
          algorithm: "SHA512",
          checksumValue: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex"),
        },
      ],
    });
  });
});
