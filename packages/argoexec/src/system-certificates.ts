import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { certificateFiles, type Environment } from "@skein/contract";

/** In the order in which Go, and so upstream's executor, looks for them: https://go.dev/src/crypto/x509/root_linux.go */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

export interface CertificateHost {
  env: Environment;
  setEnv(name: string, value: string): void;
}

/**
 * Has this process trust what the image and the pod trust, before it speaks TLS to somebody who brings no authority of
 * their own: Node.js runs with `--use-openssl-ca`, and OpenSSL reads the file that `SSL_CERT_FILE` names, by itself only
 * hashed files in `/etc/ssl/certs`. A bundle costs 14 ms of processor time to read, so acts that only speak to the API
 * server, whose authority every pod is given, are spared. As in Go, directories that `SSL_CERT_DIR` names come beside the
 * bundle, whatever their files are called.
 */
export function trustSystemCertificates(
  { env, setEnv }: CertificateHost,
  exists: (path: string) => boolean = existsSync,
): void {
  const bundle = env.SSL_CERT_FILE || BUNDLES.find((path) => exists(path));
  if (!env.SSL_CERT_FILE && bundle !== undefined) setEnv("SSL_CERT_FILE", bundle);
  const others = certificateFiles(env.SSL_CERT_DIR);
  if (others.length > 0) trustFiles(bundle === undefined ? others : [bundle, ...others]);
}

/** Instead of all that was trusted before, except for `NODE_EXTRA_CA_CERTS`. What is no certificate is passed over, as in Go. */
function trustFiles(files: readonly string[]): void {
  const certificates = [...new Set([...getCACertificates("extra"), ...files.flatMap(certificatesIn)])];
  try {
    setDefaultCACertificates(certificates);
  } catch {
    setDefaultCACertificates(certificates.filter(isCertificate)); // looked at one by one only when one is broken
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function certificatesIn(file: string): string[] {
  try {
    return readFileSync(file, "utf8").match(PEM) ?? [];
  } catch {
    return []; // a link to a directory, or nothing that we may read
  }
}

function isCertificate(pem: string): boolean {
  try {
    return Boolean(new X509Certificate(pem));
  } catch {
    return false;
  }
}

/** Whether spans go to an endpoint that may speak TLS; gRPC endpoints need no scheme. */
export function exportsOverTls(env: Environment): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || "";
  return endpoint !== "" && !endpoint.startsWith("http://");
}
