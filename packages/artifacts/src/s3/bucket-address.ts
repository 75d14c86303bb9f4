import type { ConnectionOptions } from "./connection-options.ts";
import type { ServerAddress } from "./http-exchange.ts";
import { encodeRfc3986 } from "./sigv4.ts";

/** Where a bucket is, in one region. */
export interface Origin extends ServerAddress {
  region: string;
  /** As the Host header has it. */
  host: string;
  /** What comes before a key in a path. */
  root: string;
}

/** The bucket in the path or in the host's name, at the location's endpoint or Amazon's own. */
export class BucketAddress {
  readonly #options: Pick<ConnectionOptions, "endpoint" | "forcePathStyle">;
  readonly #bucket: string;
  /** The last one that was asked for: thousands of requests go to the same. */
  #origin: Origin | undefined;

  constructor(options: Pick<ConnectionOptions, "endpoint" | "forcePathStyle">, bucket: string) {
    this.#options = options;
    this.#bucket = bucket;
  }

  originIn(region: string): Origin {
    if (this.#origin?.region !== region) this.#origin = this.#makeOrigin(region);
    return this.#origin;
  }

  /** Without a slash at its end. */
  urlIn(region: string): URL {
    const { isPlain, host, root } = this.originIn(region);
    return new URL(`${isPlain ? "http:" : "https:"}//${host}${root.replace(/\/$/, "")}`);
  }

  #makeOrigin(region: string): Origin {
    const { endpoint, forcePathStyle } = this.#options;
    const china = region.startsWith("cn-") ? ".cn" : "";
    const { protocol, host } = new URL(endpoint ?? `https://s3.${region}.amazonaws.com${china}`);
    const url = new URL(forcePathStyle ? `${protocol}//${host}` : `${protocol}//${this.#bucket}.${host}`);
    return {
      region,
      isPlain: protocol === "http:",
      host: url.host,
      hostname: url.hostname,
      port: url.port,
      root: forcePathStyle ? `/${encodeRfc3986(this.#bucket)}/` : "/",
    };
  }
}
