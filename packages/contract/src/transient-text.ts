/** What the API server passes on from etcd or from a connection behind it, and what controllers take for passing trouble (contract §21.1). */
const TRANSIENT_TEXTS = [
  "resource quota evaluation timed out",
  "etcdserver: leader changed",
  "etcdserver: request timed out",
  "etcdserver: too many requests",
  "unexpected error when reading response body",
  "stream error when reading response body",
  "Connection closed by foreign host",
  "net/http: TLS handshake timeout",
  "i/o timeout",
  "connection timed out",
  "connection reset by peer",
  "http2: client connection lost",
  "http2: server sent GOAWAY and closed the connection",
  "request did not complete within requested timeout",
  "connect: connection refused",
  "invalid connection",
  "client rate limiter Wait returned an error",
  "upper: no more rows in",
];

/** Whether the message of an error says that it will pass. */
export function isTransientText(message: string): boolean {
  return TRANSIENT_TEXTS.some((text) => message.includes(text));
}
