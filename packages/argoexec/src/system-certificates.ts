import { existsSync } from "node:fs";
import type { Environment } from "@skein/contract";

/** In the order in which Go, and so upstream's executor, looks for them: https://go.dev/src/crypto/x509/root_linux.go */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * Has this process trust what the image and the pod trust, before it speaks TLS to somebody who brings no authority of
 * their own: Node.js runs with `--use-openssl-ca`, and OpenSSL reads the file that `SSL_CERT_FILE` names, by itself only
 * hashed files in `/etc/ssl/certs`. A bundle costs 14 ms of processor time to read, so acts that only speak to the API
 * server, whose authority every pod is given, are spared.
 */
export function trustSystemCertificates(
  { env, setEnv }: { env: Environment; setEnv(name: string, value: string): void },
  exists: (path: string) => boolean = existsSync,
): void {
  if (env.SSL_CERT_FILE || env.SSL_CERT_DIR) return;
  const bundle = BUNDLES.find((path) => exists(path));
  if (bundle !== undefined) setEnv("SSL_CERT_FILE", bundle);
}

/** Whether spans go to an endpoint that may speak TLS; gRPC endpoints need no scheme. */
export function exportsOverTls(env: Environment): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || "";
  return endpoint !== "" && !endpoint.startsWith("http://");
}
