import { inspect } from "node:util";
import { rememberSecret } from "./redact.ts";

const REDACTED = "[redacted]";

/**
 * Bytes that must not be printed. Every way of turning it into text gives `[redacted]`;
 * {@link Secret.reveal} is called where the bytes are used, and nowhere else. Where they come back in a text from
 * outside, `redactSecrets` takes them out before it is printed.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(value: Uint8Array | string) {
    this.#bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    rememberSecret(this.#bytes);
  }

  /** The text, exactly as it was stored: no trimming (contract §5.6). */
  reveal(): string {
    return new TextDecoder().decode(this.#bytes);
  }

  /** The bytes themselves, for keys that are not text. */
  revealBytes(): Uint8Array {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#bytes.byteLength === 0;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
