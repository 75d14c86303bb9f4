import {
  ArtifactError,
  type Environment,
  type HttpLocation,
  rememberHeaderSecrets,
  rememberSecret,
  rememberUrlSecrets,
  type Secret,
} from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import type { HttpClient } from "./http-client.ts";
import { printable } from "./http-errors.ts";
import { createNodeHttpClient } from "./node-http-client.ts";

export interface HttpAccess {
  client: HttpClient;
  /** The location's own headers, and `authorization`. */
  headers: Record<string, string>;
}

export interface HttpAccessOptions {
  secrets: SecretReader;
  proxyEnv: Environment;
  signal: AbortSignal;
}

/** Gets everything a location needs to be let in (contract §12.3). */
export async function prepareAccess(at: HttpLocation, options: HttpAccessOptions): Promise<HttpAccess> {
  const { secrets, proxyEnv } = options;
  rememberUrlSecrets(new URL(at.url));
  rememberHeaderSecrets(at.headers ?? []);
  const { clientCert, oauth2 } = at.auth ?? {};
  const certificate =
    clientCert?.clientCertSecret && clientCert.clientKeySecret
      ? { cert: await secrets(clientCert.clientCertSecret), key: await secrets(clientCert.clientKeySecret) }
      : undefined;
  const client = createNodeHttpClient({ proxyEnv, ...(certificate && { clientCertificate: certificate }) });
  const headers: Record<string, string> = {};
  for (const { name, value } of at.headers ?? []) {
    const lower = name.toLowerCase();
    // The connection's own business; Go's client ignores it too.
    if (lower === "host") continue;
    headers[lower] = headers[lower] === undefined ? value : `${headers[lower]}, ${value}`;
  }
  const authorization =
    (oauth2 && !certificate && (await clientCredentialsToken(oauth2, client, options))) ||
    (await basicAuthorization(at, secrets));
  if (authorization) headers.authorization = authorization;
  return { client, headers };
}

/** Only with both, user and password (contract §12.3); those of the URL serve too. */
async function basicAuthorization(at: HttpLocation, secrets: SecretReader): Promise<string | undefined> {
  const { usernameSecret, passwordSecret } = at.auth?.basicAuth ?? {};
  const read = async (selector: typeof usernameSecret): Promise<Secret | undefined> =>
    selector && secrets(selector);
  const url = new URL(at.url);
  const username = (await read(usernameSecret))?.reveal() ?? decodeURIComponent(url.username);
  const password = (await read(passwordSecret))?.reveal() ?? decodeURIComponent(url.password);
  if (username === "" || password === "") return undefined;
  return basic(username, password);
}

type OAuth2 = NonNullable<NonNullable<HttpLocation["auth"]>["oauth2"]>;

/**
 * A token of the client-credentials grant: https://www.rfc-editor.org/rfc/rfc6749#section-4.4. The client's name and
 * secret go into the header first, then, for servers that do not know that, into the body, as Go's library does.
 */
async function clientCredentialsToken(
  oauth2: OAuth2,
  client: HttpClient,
  { secrets, signal }: HttpAccessOptions,
): Promise<string | undefined> {
  const { clientIDSecret, clientSecretSecret, tokenURLSecret, scopes = [], endpointParams = [] } = oauth2;
  if (!clientIDSecret || !clientSecretSecret || !tokenURLSecret) return undefined;
  const id = (await secrets(clientIDSecret)).reveal().trim();
  const secret = (await secrets(clientSecretSecret)).reveal().trim();
  const url = new URL((await secrets(tokenURLSecret)).reveal().trim());
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  for (const { key, value = "" } of endpointParams) form.append(key, value);
  const ask = async (
    headers: Record<string, string>,
    fields: URLSearchParams,
  ): Promise<{ status: string; token?: string }> => {
    const body = Buffer.from(fields.toString());
    const answer = await client.request({
      method: "POST",
      url,
      headers: {
        ...headers,
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": String(body.byteLength),
      },
      body: (async function* () {
        yield body;
      })(),
      signal,
    });
    const text = await textOf(answer.body);
    const token = answer.status === 200 ? accessToken(text) : undefined;
    if (token !== undefined) rememberSecret(token);
    return { status: answer.statusLine, ...(token !== undefined && { token }) };
  };
  const byHeader = await ask(
    { authorization: basic(encodeURIComponent(id), encodeURIComponent(secret)) },
    form,
  );
  if (byHeader.token) return `Bearer ${byHeader.token}`;
  const withClient = new URLSearchParams(form);
  withClient.set("client_id", id);
  withClient.set("client_secret", secret);
  const byBody = await ask({}, withClient);
  if (byBody.token) return `Bearer ${byBody.token}`;
  throw new ArtifactError(`no token from ${printable(url)}: ${byBody.status}`, {
    code: "http.unauthorized",
    remedy: "check the secrets of oauth2 and what the token server asks for",
  });
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function accessToken(text: string): string | undefined {
  try {
    const { access_token: token } = JSON.parse(text) as { access_token?: unknown };
    return typeof token === "string" && token !== "" ? token : undefined;
  } catch {
    return undefined; // an answer that is no JSON holds no token; its status says the rest
  }
}

function basic(username: string, password: string): string {
  rememberSecret(`${username}:${password}`);
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
