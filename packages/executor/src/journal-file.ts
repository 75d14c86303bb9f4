import { appendFileSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
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
      appendFileSync(path, `${redactSecrets(JSON.stringify(line))}\n`, { mode: 0o666 });
    },
    async read() {
      try {
        return parseJournal(await readFile(path, "utf8"));
      } catch (error) {
        if (isMissingFile(error)) return [];
        throw error;
      }
    },
  };
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
