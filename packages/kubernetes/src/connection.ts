import type { SecureContextOptions } from "node:tls";

export interface TlsOptions extends Pick<SecureContextOptions, "ca" | "cert" | "key"> {
  rejectUnauthorized?: boolean;
  /** Name to check the server's certificate against, when it is not the host of the URL. */
  servername?: string;
}

/** How to reach one API server as one user. */
export interface Connection {
  server: URL;
  /** Where the executor works when no object says otherwise. */
  namespace: string;
  tls: TlsOptions;
  /** An HTTP proxy before the API server. */
  proxyUrl?: string | undefined;
  /** Headers; asked before every request, because tokens rotate. `refused`: those of the last call were not accepted. */
  authorization(refused?: boolean): Promise<Record<string, string | string[]>>;
}

/** The kubectl-style flags of the executor (contract §2.1). Absent means "as configured". */
export interface ConnectionFlags {
  kubeconfig?: string | undefined;
  namespace?: string | undefined;
  context?: string | undefined;
  cluster?: string | undefined;
  user?: string | undefined;
  server?: string | undefined;
  tlsServerName?: string | undefined;
  certificateAuthority?: string | undefined;
  clientCertificate?: string | undefined;
  clientKey?: string | undefined;
  insecureSkipTlsVerify?: boolean | undefined;
  token?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  as?: string | undefined;
  asUid?: string | undefined;
  asGroup?: string[] | undefined;
  /** `http://` or `https://`; SOCKS is not supported. */
  proxyUrl?: string | undefined;
  requestTimeoutMs?: number | undefined;
}
