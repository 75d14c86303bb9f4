import { parseGoDuration } from "@skein/contract";
import type { ConnectionFlags } from "@skein/kubernetes";
import { type Flags, flagValue, UsageError } from "./command-line.ts";

/** The kubectl-style flags, as the Kubernetes client takes them. */
export function connectionFlags(flags: Flags): ConnectionFlags {
  return {
    kubeconfig: flagValue(flags, "kubeconfig"),
    namespace: flagValue(flags, "namespace"),
    context: flagValue(flags, "context"),
    cluster: flagValue(flags, "cluster"),
    user: flagValue(flags, "user"),
    server: flagValue(flags, "server"),
    tlsServerName: flagValue(flags, "tls-server-name"),
    certificateAuthority: flagValue(flags, "certificate-authority"),
    clientCertificate: flagValue(flags, "client-certificate"),
    clientKey: flagValue(flags, "client-key"),
    insecureSkipTlsVerify: flags["insecure-skip-tls-verify"],
    token: flagValue(flags, "token"),
    username: flagValue(flags, "username"),
    password: flagValue(flags, "password"),
    as: flagValue(flags, "as"),
    asUid: flagValue(flags, "as-uid"),
    asGroup: flags["as-group"],
    proxyUrl: flagValue(flags, "proxy-url"),
    requestTimeoutMs: parseTimeout(flagValue(flags, "request-timeout")),
  };
}

/** Go duration, or whole seconds; zero is no time-out, as in client-go. */
function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined || text === "" || text === "0") return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text);
  if (ms === undefined) throw new UsageError(`invalid argument "${text}" for "--request-timeout" flag`);
  return ms > 0 ? ms : undefined;
}
