import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT_ERROR, EXIT_OK, errorMessage, type Logger } from "@skein/contract";
import {
  createJournal,
  runSupervisorLoad,
  runWaitBegin,
  runWaitFinish,
  runWaitTick,
  storeTrace,
  type WaitParts,
} from "@skein/executor";
import type { TaskResultReporter } from "@skein/kubernetes";
import {
  createNoopTracing,
  type OtlpTraceRequest,
  type ParentContext,
  waitContext,
  waitWorkloadContext,
} from "@skein/telemetry";
import { type ActContext, openContext, openTracing, storesTrace, transferParts } from "./act-context.ts";
import { type Flags, UsageError } from "./command-line.ts";
import { type Ending, SUCCESS } from "./ending.ts";
import type { Host } from "./host.ts";
import { mainSettings, readParent } from "./init-command.ts";

type Role = "wait" | "supervisor";

/** `argoexec wait begin|tick|finish`, `argoexec supervisor load|begin|tick|finish`: the acts between which the front waits. */
export async function waitCommand(
  role: Role,
  act: string | undefined,
  host: Host,
  flags: Flags,
  log: Logger,
): Promise<Ending> {
  switch (act) {
    case "load":
      if (role === "supervisor") return load(host, flags, log);
      break;
    case "begin":
      return begin(role, host, flags, log);
    case "tick":
      return tick(host, flags, log);
    case "finish":
      return finish(host, flags, log);
  }
  const acts = role === "supervisor" ? "load, begin, tick or finish" : "begin, tick or finish";
  throw new UsageError(`argoexec ${role} needs ${acts} here; the front runs them`);
}

async function load(host: Host, flags: Flags, log: Logger): Promise<Ending> {
  const stop = stopOnTermination(host);
  const { parts, close, context } = await openWait(host, flags, log, stop, {
    exports: false,
    announce: true,
  });
  try {
    await runSupervisorLoad({
      ...parts,
      parent: await readParent(context),
      settingsForMain: mainSettings(context),
    });
    return SUCCESS;
  } finally {
    await close();
  }
}

async function begin(role: Role, host: Host, flags: Flags, log: Logger): Promise<Ending> {
  const stop = stopOnTermination(host);
  const { parts, close } = await openWait(host, flags, log, stop, {
    exports: false,
    announce: role === "wait",
  });
  try {
    await runWaitBegin(parts);
    return SUCCESS;
  } finally {
    await close();
  }
}

async function tick(host: Host, flags: Flags, log: Logger): Promise<Ending> {
  const stop = stopOnTermination(host);
  const { parts, close } = await openWait(host, flags, log, stop, { exports: false, tick: true });
  try {
    await runWaitTick(parts);
    return SUCCESS;
  } catch (error) {
    // No message: what a later act says, or nothing, is what the container ends with.
    log.warn("failed to report progress", { error: error as Error });
    return { exitCode: EXIT_ERROR };
  } finally {
    await close();
  }
}

async function finish(host: Host, flags: Flags, log: Logger): Promise<Ending> {
  // Outputs are collected whatever signal comes; only SIGKILL ends that (contract §8.1).
  host.onTermination((signal) => log.info("going on until the outputs are saved", { signal }));
  const { parts, close } = await openWait(host, flags, log, new AbortController().signal, { exports: true });
  try {
    const { error, message } = await runWaitFinish(parts);
    if (error) return { exitCode: EXIT_ERROR, message: errorMessage(error) };
    return message === undefined ? SUCCESS : { exitCode: EXIT_OK, message };
  } finally {
    await close();
  }
}

function stopOnTermination(host: Host): AbortSignal {
  const stop = new AbortController();
  host.onTermination((signal) => stop.abort(new Error(`stopped by ${signal}`)));
  return stop.signal;
}

async function openWait(
  host: Host,
  flags: Flags,
  log: Logger,
  signal: AbortSignal,
  options: { exports: boolean; tick?: boolean; announce?: boolean },
): Promise<{
  parts: WaitParts & ReturnType<typeof transferParts>;
  context: ActContext;
  close(): Promise<void>;
}> {
  const context = await openContext(host, flags, log, { announce: options.announce ?? false });
  const journal = createJournal(host.paths.journal(context.config.containerName));
  const lines = await journal.read();
  const parent =
    (options.tick ? waitWorkloadContext(lines) : waitContext(lines)) ?? (await readParent(context));
  const spans: OtlpTraceRequest[] = [];
  const collect = storesTrace(context) ? (request: OtlpTraceRequest) => spans.push(request) : undefined;
  const tracing = await openTracing(
    context,
    parent,
    options.exports ? { collect } : { journal: journal.append },
  );
  const closers: (() => void)[] = [];
  const parts = {
    ...transferParts(context, tracing, signal),
    journal,
    createReporter: async ({ created }: { created: boolean }): Promise<TaskResultReporter> => {
      const { createReporter } = await import("./create-reporter.ts");
      const { reporter, close } = await createReporter(context, { created, tracing, signal });
      closers.push(close);
      return reporter;
    },
  };
  return {
    parts,
    context,
    close: async () => {
      for (const close of closers) close();
      await tracing.shutdown();
      if (spans.length > 0) await keepTrace(context, spans, parent);
    },
  };
}

/** What saves the trace makes no spans: they would not be in it. */
async function keepTrace(
  context: ActContext,
  spans: readonly OtlpTraceRequest[],
  parent: ParentContext,
): Promise<void> {
  const directory = await mkdtemp(join(context.host.env.TMPDIR || tmpdir(), "skein-trace-"));
  try {
    const quiet = transferParts(context, createNoopTracing(parent), new AbortController().signal);
    await storeTrace(quiet, spans, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
