import { createTransferEngine, parseTransferSettings, type TransferEngine } from "@skein/artifacts";
import { createSecretReader } from "@skein/executor";
import type { Tracing } from "@skein/telemetry";
import type { ActContext } from "./act-context.ts";
import { trustSystemCertificates } from "./system-certificates.ts";

/** The part that moves artifacts. Loaded when there is one to move. */
export function createEngine(context: ActContext, tracing: Tracing, signal: AbortSignal): TransferEngine {
  const { config, host, log } = context;
  trustSystemCertificates(host);
  return createTransferEngine({
    tracing,
    log,
    signal,
    secrets: createSecretReader(host.paths),
    settings: parseTransferSettings(config, host.env),
  });
}
