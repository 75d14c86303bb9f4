import { formatGoDuration } from "./go-duration.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "text" | "json";

/** A length of time in a log line: a Go duration in text, nanoseconds in JSON (contract §19). */
export class LogDuration {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

export type LogValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Error
  | LogDuration
  | readonly string[]
  | object;
export type LogFields = Record<string, LogValue>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line also carries these fields. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Takes one whole line, newline included. */
  write: (line: string) => void;
  level: LogLevel;
  format: LogFormat;
  now?: () => Date;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Contract §2.1: the four levels and the aliases of older releases, in any case. */
const LEVEL_NAMES: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  trace: "debug",
  info: "info",
  print: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  fatal: "error",
  panic: "error",
};

export function parseLogLevel(text: string): LogLevel | undefined {
  return LEVEL_NAMES[text.toLowerCase()];
}

export function parseLogFormat(text: string): LogFormat | undefined {
  const lower = text.toLowerCase();
  return lower === "text" || lower === "json" ? lower : undefined;
}

/** Lines in the form of Go's slog handlers, each with the field `argo=true` (contract §19). */
export function createLogger(options: LoggerOptions, bound: LogFields = {}): Logger {
  const { write, level: threshold, format, now = () => new Date() } = options;
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (RANK[level] < RANK[threshold]) return;
    const all = { ...bound, ...fields, argo: true };
    write(format === "json" ? jsonLine(now(), level, message, all) : textLine(now(), level, message, all));
  };
  return {
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    with: (fields) => createLogger(options, { ...bound, ...fields }),
  };
}

function textLine(time: Date, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${quote(asText(value))}`);
  return `${[
    `time=${time.toISOString()}`,
    `level=${level.toUpperCase()}`,
    `msg=${quote(message)}`,
    ...pairs,
  ].join(" ")}\n`;
}

function jsonLine(time: Date, level: LogLevel, message: string, fields: LogFields): string {
  const record: Record<string, unknown> = {
    time: time.toISOString(),
    level: level.toUpperCase(),
    msg: message,
  };
  for (const [key, value] of Object.entries(fields)) record[key] = asJson(value);
  return `${JSON.stringify(record)}\n`;
}

function asText(value: LogValue): string {
  if (value === null || value === undefined) return "<nil>";
  if (value instanceof LogDuration) return formatGoDuration(value.ms);
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return `[${value.join(" ")}]`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function asJson(value: LogValue): unknown {
  if (value instanceof LogDuration) return Math.round(value.ms * 1e6);
  if (value instanceof Error) return value.message;
  return value ?? null;
}

/** slog's text handler quotes a value that is empty or holds a blank, a quote, `=` or anything unprintable. */
function quote(text: string): string {
  return /^[^\s"=\p{C}]+$/u.test(text) ? text : JSON.stringify(text);
}
