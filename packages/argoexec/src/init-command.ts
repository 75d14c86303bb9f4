import { readFile } from "node:fs/promises";
import { ANNOTATION_TRACE, type Logger } from "@skein/contract";
import { createJournal, runInit } from "@skein/executor";
import { extractParent, type ParentContext, settingsForMain } from "@skein/telemetry";
import { type ActContext, openContext, openTracing, storesTrace, transferParts } from "./act-context.ts";
import type { Flags } from "./command-line.ts";
import { type Ending, SUCCESS } from "./ending.ts";
import type { Host } from "./host.ts";

/** `argoexec init`: one act, stopped by SIGTERM. */
export async function initCommand(host: Host, flags: Flags, log: Logger): Promise<Ending> {
  const stop = new AbortController();
  host.onTermination((signal) => stop.abort(new Error(`stopped by ${signal}`)));
  const context = await openContext(host, flags, log, { announce: true });
  const parent = await readParent(context);
  // There is no later act of this container that could store its spans: wait's does.
  const journal = storesTrace(context)
    ? createJournal(host.paths.journal(context.config.containerName)).append
    : undefined;
  const tracing = await openTracing(context, parent, { journal });
  try {
    await runInit({
      ...transferParts(context, tracing, stop.signal),
      parent,
      settingsForMain: mainSettings(context),
    });
    return SUCCESS;
  } finally {
    await tracing.shutdown();
  }
}

/** An init that is run again without `TRACEPARENT` goes on below the context it chose before. */
export async function readParent({ config, host }: ActContext): Promise<ParentContext> {
  const { workflowUid, nodeId } = config;
  return extractParent({ env: host.env, contextFile: await readContextFile(host), workflowUid, nodeId });
}

/** Whoever has turned tracing off for a template has turned it off for its process, too. */
export function mainSettings({ host, template }: ActContext): Record<string, string> {
  const isOff = template.metadata?.annotations?.[ANNOTATION_TRACE] === "off";
  return isOff ? {} : settingsForMain(host.env);
}

async function readContextFile(host: Host): Promise<{ traceparent?: string } | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(host.paths.traceContext, "utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // not written yet, or by a container that was killed
  }
}
