import { describe, expect, it } from "vitest";
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

  it.each([{ SSL_CERT_FILE: "/own.pem" }, { SSL_CERT_DIR: "/own" }])("leaves %j as it is", (env) => {
    expect(trusting({ ...env } as Record<string, string>, ["/etc/ssl/cert.pem"])).toEqual(env);
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
