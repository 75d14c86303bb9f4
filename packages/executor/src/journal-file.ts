import { closeSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type ErrorLine,
  errorCode,
  errorMessage,
  type JournalLine,
  parseJournal,
  redactSecrets,
} from "@skein/contract";
import { isMissingFile } from "./file-error.ts";

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** The volume is the user's, too: a pipe in place of the file must not keep us for ever. */
const READ = O_RDONLY | O_NONBLOCK;
const APPEND = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;

/** The journal of one container, shared with the front. */
export interface Journal {
  append(line: JournalLine): void;
  read(): Promise<JournalLine[]>;
}

/**
 * @param path `/var/run/argo/skein/journal/<container>.jsonl`; made with its directory when the first line comes
 */
export function createJournal(path: string): Journal {
  return {
    append(line) {
      // Synchronous and one write per line: with O_APPEND lines of two writers never mix, and a line is on the
      // volume before the act goes on.
      mkdirSync(dirname(path), { recursive: true, mode: 0o777 });
      const descriptor = openSync(path, APPEND, 0o666);
      try {
        writeSync(descriptor, `${redactSecrets(JSON.stringify(line))}\n`);
      } finally {
        closeSync(descriptor);
      }
    },
    async read() {
      try {
        await using file = await open(path, READ);
        return (await file.stat()).isFile() ? parseJournal(await file.readFile("utf8")) : [];
      } catch (error) {
        if (isMissingFile(error)) return [];
        throw error;
      }
    },
  };
}

/** What happened since this container was started, or started again. */
export function ownLife(lines: readonly JournalLine[]): JournalLine[] {
  return lines.slice(lines.findLastIndex(({ event }) => event === "start") + 1);
}

/** The line that keeps an error for the act that reports it. */
export function errorLine(error: unknown, timeMs: number): ErrorLine {
  return {
    event: "error",
    timeUnixNano: unixNano(timeMs),
    message: errorMessage(error),
    code: errorCode(error),
  };
}

/** Milliseconds since 1970 as the journal and OTLP write times. */
export function unixNano(timeMs: number): string {
  return `${BigInt(Math.round(timeMs * 1000)) * 1000n}`;
}
