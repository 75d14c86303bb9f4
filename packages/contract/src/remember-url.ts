import { rememberSecret } from "./redact.ts";

/** Names under which a header or a query parameter carries what lets its bearer in. */
const TELLING_NAME = /auth|token|sig|secret|passw|credential|cookie|key$/i;

/** Of an address that a template gives: the user and password in it, and tokens in its query. */
export function rememberUrlSecrets(url: URL): void {
  const [username, password] = [url.username, url.password].map(decodeURIComponent);
  if (password) {
    rememberSecret(password);
    rememberSecret(`${username}:${password}`);
  } else if (username && url.protocol.startsWith("http")) {
    rememberSecret(username); // a token in the place of the user
  }
  for (const [name, value] of url.searchParams) if (TELLING_NAME.test(name)) rememberSecret(value);
}

/** Of headers that a template gives. */
export function rememberHeaderSecrets(headers: readonly { name: string; value: string }[]): void {
  for (const { name, value } of headers) {
    if (!TELLING_NAME.test(name)) continue;
    rememberSecret(value);
    rememberSecret(value.replace(/^\w+ /, "")); // without `Bearer`
  }
}
