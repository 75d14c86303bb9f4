import { readdir, readFile } from "node:fs/promises";
import { type JournalLine, mainContainerNames } from "@skein/contract";
import { buildMainSpans, buildWaitSpans, journaledSpans, type MainSpansInput } from "@skein/telemetry";
import { isMissingFile } from "./file-error.ts";
import { createJournal, unixNano } from "./journal-file.ts";
import type { WaitParts } from "./parts.ts";
import { runIdentity } from "./run-identity.ts";

const JOURNAL_SUFFIX = ".jsonl";

/**
 * Emits the spans that no process of the core lived through: those of the user's containers and of `wait` itself,
 * from what the front wrote down, and those of the acts before this one. Tracing never fails the work: a journal
 * that cannot be read is left out and said so.
 */
export async function emitPodSpans(parts: WaitParts, error: Error | undefined): Promise<void> {
  const { config, journal, log, now, tracing } = parts;
  if (tracing.level === "off") return;
  try {
    for (const container of await journaledContainers(parts)) {
      const input = await mainSpansInput(container, parts);
      // Of an init container that had nowhere to send its spans: those it made itself.
      const spans = [...journaledSpans(input.lines), ...buildMainSpans(input)];
      tracing.emit(spans, { containerName: container });
    }
    const lines = await journal.read();
    const identity = runIdentity(parts);
    tracing.emit(journaledSpans(lines), { containerName: config.containerName });
    tracing.emit(buildWaitSpans({ lines, identity, endTimeUnixNano: unixNano(now()), error }));
  } catch (failure) {
    log.warn("cannot make spans of the journals", { error: failure as Error });
  }
}

async function journaledContainers({ config, paths }: WaitParts): Promise<string[]> {
  const names = await readdir(paths.journals).catch((error: unknown) => {
    if (isMissingFile(error)) return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith(JOURNAL_SUFFIX))
    .map((name) => name.slice(0, -JOURNAL_SUFFIX.length))
    .filter((name) => name !== config.containerName);
}

async function mainSpansInput(containerName: string, parts: WaitParts): Promise<MainSpansInput> {
  const lines: JournalLine[] = await createJournal(parts.paths.journal(containerName)).read();
  const exitCode = await readExitCode(parts.paths.exitCode(containerName));
  const isMain = mainContainerNames(parts.template).includes(containerName);
  return {
    lines,
    containerName,
    identity: runIdentity(parts),
    isSidecar: parts.template.sidecars?.some(({ name }) => name === containerName) ?? false,
    whenUnfinished: {
      endTimeUnixNano: unixNano(parts.now()),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(isMain && exitCode === undefined ? { error: LOST } : {}),
    },
  };
}

const LOST = { type: "process.lost", message: "the container ended, or never began, without an exit code" };

async function readExitCode(path: string): Promise<number | undefined> {
  try {
    const text = await readFile(path, "utf8");
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined; // not written: the container has not ended by itself
  }
}
