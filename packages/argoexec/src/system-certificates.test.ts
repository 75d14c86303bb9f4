import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, it } from "vitest";
import { LOOPBACK_CERTIFICATE } from "../../../test/support/loopback-certificate.ts";
import { exportsOverTls, trustSystemCertificates } from "./system-certificates.ts";

function trusting(env: Record<string, string>, files: readonly string[]): Record<string, string> {
  trustSystemCertificates(
    {
      env,
      setEnv: (name, value) => {
        env[name] = value;
      },
    },
    (path) => files.includes(path),
  );
  return env;
}

describe("trustSystemCertificates", () => {
  it("names the first bundle that upstream would read", () => {
    const files = ["/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt"];
    expect(trusting({}, files)).toEqual({ SSL_CERT_FILE: "/etc/pki/tls/certs/ca-bundle.crt" });
  });

  it("leaves a file of the pod's as it is", () => {
    const env = { SSL_CERT_FILE: "/own.pem" };
    expect(trusting({ ...env }, ["/etc/ssl/cert.pem"])).toEqual(env);
  });

  it("names a bundle beside directories of the pod's, as Go does", () => {
    expect(trusting({ SSL_CERT_DIR: "/own" }, ["/etc/ssl/cert.pem"])).toEqual({
      SSL_CERT_DIR: "/own",
      SSL_CERT_FILE: "/etc/ssl/cert.pem",
    });
  });

  it("trusts the files of a mounted Secret that SSL_CERT_DIR names, beside what was trusted, and passes over junk", () => {
    const before = getCACertificates("default");
    const root = mkdtempSync(join(tmpdir(), "skein-certificates-"));
    try {
      const bundle = join(root, "bundle.pem");
      writeFileSync(bundle, `${before[0]}\n`);
      // As a kubelet mounts it.
      mkdirSync(join(root, "ca/..2026"), { recursive: true });
      symlinkSync("..2026", join(root, "ca/..data"));
      writeFileSync(join(root, "ca/..2026/company.crt"), `# the company's\n${LOOPBACK_CERTIFICATE}`);
      symlinkSync("..data/company.crt", join(root, "ca/company.crt"));
      writeFileSync(join(root, "ca/junk"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
      trusting({ SSL_CERT_FILE: bundle, SSL_CERT_DIR: `/missing:${join(root, "ca")}` }, []);
      const fingerprints = (some: readonly string[]) =>
        new Set(some.map((pem) => new X509Certificate(pem).fingerprint256));
      const expected = [before[0] ?? "", LOOPBACK_CERTIFICATE, ...getCACertificates("extra")];
      expect(fingerprints(getCACertificates("default"))).toEqual(fingerprints(expected));
    } finally {
      setDefaultCACertificates(before);
      rmSync(root, { recursive: true });
    }
  });

  it("names none where there is none", () => {
    expect(trusting({}, [])).toEqual({});
  });
});

describe("exportsOverTls", () => {
  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, true],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t", OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector" },
      true,
    ],
  ])("%j: %s", (env, expected) => {
    expect(exportsOverTls(env)).toBe(expected);
  });
});
