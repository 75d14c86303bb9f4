import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that refuses everything, and says in the refusal all that it was sent: the worst that can happen to a secret. */
export interface EchoServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  endpoint: string;
  /** Requests so far. */
  count(): number;
}

export async function startEchoServer(status = 403): Promise<EchoServer> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    request.resume();
    const seen = [`${request.method} ${request.url}`];
    for (const [name, value] of Object.entries(request.headers)) seen.push(`${name}: ${value}`);
    const [, basic = ""] = /^Basic (.*)$/.exec(request.headers.authorization ?? "") ?? [];
    seen.push(Buffer.from(basic, "base64").toString());
    const text = seen.join("; ");
    const isS3 = request.headers.authorization?.startsWith("AWS4") ?? false;
    response
      .writeHead(status, text.replaceAll(/[^\x20-\x7e]/g, " ").slice(0, 2000), {
        "content-type": isS3 ? "application/xml" : "text/plain",
        "www-authenticate": 'Basic realm="echo"',
      })
      .end(
        isS3
          ? `<Error><Code>${status === 403 ? "AccessDenied" : "InternalError"}</Code><Message>${text.replaceAll("<", "")}</Message></Error>`
          : text,
      );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
