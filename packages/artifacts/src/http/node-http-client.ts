import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { pipeline } from "node:stream/promises";
import type { Environment, Secret } from "@skein/contract";
import { endWithSignal } from "../end-with-signal.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";

export interface NodeHttpClientOptions {
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up. */
  proxyEnv: Environment;
  /** PEM. */
  clientCertificate?: { cert: Secret; key: Secret };
}

/** A socket on which nothing moves in either direction for so long is dead. */
const IDLE_SOCKET_TIMEOUT_MS = 60_000;

/** An {@link HttpClient} over Node's own modules: what they cannot do, artifacts have not needed yet. */
export function createNodeHttpClient({ proxyEnv, clientCertificate }: NodeHttpClientOptions): HttpClient {
  const options = { keepAlive: true, timeout: IDLE_SOCKET_TIMEOUT_MS, proxyEnv: { ...proxyEnv } };
  const http = new HttpAgent(options);
  const https = new HttpsAgent({
    ...options,
    ...(clientCertificate && {
      cert: clientCertificate.cert.reveal(),
      key: clientCertificate.key.reveal(),
    }),
  });
  return {
    async request({ method, url, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
      const isTls = url.protocol === "https:";
      const started = (isTls ? requestHttps : requestHttp)(url, {
        method,
        headers,
        agent: isTls ? https : http,
      });
      endWithSignal(started, signal);
      const answer = new Promise<IncomingMessage>((resolve, reject) => {
        started.once("response", resolve);
        started.once("error", reject);
        started.once("timeout", () =>
          started.destroy(new Error("socket hang up: nothing moved for a minute")),
        );
      });
      if (!body) {
        started.end();
        return toAnswer(await answer);
      }
      const sent = pipeline(body, started);
      sent.catch(() => {}); // met below, unless the answer came first
      // A server may answer before it has read everything; its answer then says more than the broken pipe.
      return toAnswer(await Promise.race([answer, sent.then(() => answer)]));
    },
  };
}

function toAnswer(message: IncomingMessage): HttpAnswer {
  return {
    status: message.statusCode ?? 0,
    statusLine: `${message.statusCode} ${message.statusMessage}`.trim(),
    headers: message.headers as Record<string, string | undefined>,
    body: message,
    discard: () => message.resume(),
  };
}
