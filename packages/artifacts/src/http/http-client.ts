export interface HttpRequest {
  method: "GET" | "PUT" | "POST";
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** Sent as it comes; with a `content-length` header in one piece, else in chunks. */
  body?: AsyncIterable<Uint8Array>;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  /** `404 Not Found`, as the server words it. */
  statusLine: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** Fails when the connection ends before the answer does. */
  body: AsyncIterable<Uint8Array>;
  /** For an answer whose body is of no interest. */
  discard(): void;
}

/** One request, one answer: no redirects, no retries. Fails with the errors of node:net and node:tls. */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpAnswer>;
}
