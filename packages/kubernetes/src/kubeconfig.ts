import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import type { Connection, ConnectionFlags, TlsOptions } from "./connection.ts";

/**
 * A connection from kubeconfig files, with everything they can hold: client certificates, exec plugins, OIDC.
 * The official client reads them; it takes most of a second to import, so only this path does (docs/dependencies.md).
 *
 * @param files in order of precedence, as `KUBECONFIG` has them
 * @throws Error naming the files when none of them describes a cluster
 */
export async function kubeconfigConnection(
  files: readonly string[],
  flags: ConnectionFlags,
): Promise<Connection> {
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
  const config = new KubeConfig();
  const [first, ...others] = files;
  load(config, first ?? "");
  for (const file of others) {
    const more = new KubeConfig();
    load(more, file);
    // The library refuses a name that occurs twice; for kubectl the first file that has it wins.
    more.clusters = more.clusters.filter(({ name }) => !config.getCluster(name));
    more.users = more.users.filter(({ name }) => !config.getUser(name));
    more.contexts = more.contexts.filter(({ name }) => !config.getContextObject(name));
    config.mergeConfig(more, Boolean(config.currentContext));
  }
  if (flags.context) config.setCurrentContext(flags.context);
  const context = config.getContextObject(config.getCurrentContext());
  if (context && flags.cluster) Object.assign(context, { cluster: flags.cluster });
  if (context && flags.user) Object.assign(context, { user: flags.user });
  const cluster = config.getCurrentCluster();
  if (!cluster && !config.getCurrentContext()) {
    throw new Error(`no current-context is set in ${files.join(", ")}; set one, or give --context NAME`);
  }
  if (!cluster) {
    throw new Error(
      `no cluster is configured for context "${config.getCurrentContext()}" in ${files.join(", ")}`,
    );
  }
  // kubectl takes a plain http server as it is; the library insists on being told that there is no TLS to verify.
  if (cluster.server.startsWith("http:")) Object.assign(cluster, { skipTLSVerify: true });
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const tls: TlsOptions = pickTls(options);
  if (cluster.tlsServerName) tls.servername = cluster.tlsServerName;
  return {
    server: new URL(cluster.server),
    namespace: context?.namespace || "default",
    tls,
    proxyUrl: cluster.proxyUrl,
    authorization: async () => {
      const fresh: RequestOptions = {};
      await config.applyToHTTPSOptions(fresh);
      const basic = typeof fresh.auth === "string" ? { authorization: basicAuthorization(fresh.auth) } : {};
      return { ...basic, ...(fresh.headers as Record<string, string> | undefined) };
    },
  };
}

/** The parser's message shows the lines around the mistake, and a token may stand there: only what and where is kept. */
function load(config: { loadFromFile(file: string): void }, file: string): void {
  try {
    config.loadFromFile(file);
  } catch (error) {
    if ((error as Error).name !== "YAMLException") throw error;
    const { reason, mark } = error as { reason?: string; mark?: { line: number; column: number } };
    const place = mark ? `${file}:${mark.line + 1}:${mark.column + 1}` : file;
    throw new Error(`${place}: ${reason ?? "not YAML"}`);
  }
}

/** What the override flags say wins over what the files say. */
export async function applyFlags(connection: Connection, flags: ConnectionFlags): Promise<Connection> {
  const tls: TlsOptions = { ...connection.tls };
  if (flags.certificateAuthority) tls.ca = await readFile(flags.certificateAuthority);
  if (flags.clientCertificate) tls.cert = await readFile(flags.clientCertificate);
  if (flags.clientKey) tls.key = await readFile(flags.clientKey);
  if (flags.insecureSkipTlsVerify) tls.rejectUnauthorized = false;
  if (flags.tlsServerName) tls.servername = flags.tlsServerName;
  const override = flagHeaders(flags);
  return {
    server: flags.server ? new URL(flags.server) : connection.server,
    namespace: flags.namespace || connection.namespace,
    tls,
    proxyUrl: flags.proxyUrl || connection.proxyUrl,
    authorization: async (refused) => ({ ...(await connection.authorization(refused)), ...override }),
  };
}

function flagHeaders(flags: ConnectionFlags): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  if (flags.username) headers.authorization = basicAuthorization(`${flags.username}:${flags.password ?? ""}`);
  if (flags.token) headers.authorization = `Bearer ${flags.token}`;
  if (flags.as) headers["impersonate-user"] = flags.as;
  if (flags.asUid) headers["impersonate-uid"] = flags.asUid;
  // One header for each group: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
  if (flags.asGroup?.length) headers["impersonate-group"] = flags.asGroup;
  return headers;
}

function basicAuthorization(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword).toString("base64")}`;
}

function pickTls(options: RequestOptions): TlsOptions {
  const tls: TlsOptions = {};
  if (options.ca !== undefined) tls.ca = options.ca;
  if (options.cert !== undefined) tls.cert = options.cert;
  if (options.key !== undefined) tls.key = options.key;
  if (options.rejectUnauthorized !== undefined) tls.rejectUnauthorized = options.rejectUnauthorized;
  return tls;
}
