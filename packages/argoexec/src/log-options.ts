import { ConfigError, type LogFormat, type LogLevel, parseLogFormat, parseLogLevel } from "@skein/contract";
import { type Flags, flagValue, UsageError } from "./command-line.ts";

export interface LogOptions {
  level: LogLevel;
  format: LogFormat;
}

/**
 * @throws ConfigError with exit code 1 for a level or format that does not exist, as upstream's fatal log
 * @throws UsageError for a `--gloglevel` that is not a whole number; an empty one counts as 0 (contract §1.5)
 */
export function parseLogOptions(flags: Flags): LogOptions {
  const level = flagValue(flags, "loglevel") ?? "info";
  const format = flagValue(flags, "log-format") ?? "text";
  const verbosity = flagValue(flags, "gloglevel") ?? "";
  const parsed = { level: parseLogLevel(level), format: parseLogFormat(format) };
  if (parsed.level === undefined) {
    throw new ConfigError(`unknown log level "${level}"; use debug, info, warn or error`, { exitCode: 1 });
  }
  if (parsed.format === undefined) {
    throw new ConfigError(`unknown log format "${format}"; use text or json`, { exitCode: 1 });
  }
  if (!/^([+-]?\d+)?$/.test(verbosity)) {
    throw new UsageError(`invalid argument "${verbosity}" for "--gloglevel" flag: not a whole number`);
  }
  return { level: parsed.level, format: parsed.format };
}
