/**
 * The command line of contract §2.1: flags anywhere, `--flag value` and `--flag=value`, `--` ends them.
 * What it does with a mistake, and the texts, are those of upstream's parser (spf13/pflag).
 */

/** Flags that take a value, with what they are when absent. */
const VALUE_FLAGS = [
  "loglevel",
  "log-format",
  "gloglevel",
  "kubeconfig",
  "as",
  "as-group",
  "as-uid",
  "as-user-extra",
  "certificate-authority",
  "client-certificate",
  "client-key",
  "cluster",
  "context",
  "namespace",
  "password",
  "plugin-name",
  "proxy-url",
  "request-timeout",
  "server",
  "tls-server-name",
  "token",
  "user",
  "username",
] as const;

const BOOLEAN_FLAGS = ["insecure-skip-tls-verify", "disable-compression", "short", "help"] as const;

/** May be given more than once; each value counts. For all others the last one wins. */
const REPEATABLE: ReadonlySet<string> = new Set(["as-group", "as-user-extra"]);

const SHORTHANDS: Readonly<Record<string, string>> = { n: "namespace", h: "help" };

type ValueFlag = (typeof VALUE_FLAGS)[number];
type BooleanFlag = (typeof BOOLEAN_FLAGS)[number];

/** The flags that were given. */
export type Flags = { [name in ValueFlag]?: string[] } & { [name in BooleanFlag]?: boolean };

export interface CommandLine {
  /** The words before `--`: sub-command and its arguments. */
  words: string[];
  flags: Flags;
  /** What follows `--`. */
  rest: string[];
}

/** Thrown for a command line that cannot be understood. Never quotes the value of a flag that may be a secret. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function parseCommandLine(argv: readonly string[]): CommandLine {
  const line: CommandLine = { words: [], flags: {}, rest: [] };
  const queue = [...argv];
  for (let argument = queue.shift(); argument !== undefined; argument = queue.shift()) {
    if (argument === "--") {
      line.rest = queue;
      break;
    }
    if (argument.startsWith("--")) takeLongFlag(argument.slice(2), queue, line.flags);
    else if (argument.startsWith("-") && argument !== "-")
      takeShortFlag(argument.slice(1), queue, line.flags);
    else line.words.push(argument);
  }
  return line;
}

/** The value of a flag that is given at most once; the last one counts. */
export function flagValue(flags: Flags, name: ValueFlag): string | undefined {
  return flags[name]?.at(-1);
}

function takeLongFlag(text: string, queue: string[], flags: Flags): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const attached = equals < 0 ? undefined : text.slice(equals + 1);
  if (isOneOf(VALUE_FLAGS, name)) {
    setValue(flags, name, attached ?? needValue(queue, `--${name}`));
  } else if (isOneOf(BOOLEAN_FLAGS, name)) {
    flags[name] = attached === undefined ? true : parseBoolean(attached, name);
  } else {
    throw new UsageError(`unknown flag: --${name}`);
  }
}

function takeShortFlag(text: string, queue: string[], flags: Flags): void {
  const letter = text[0] ?? "";
  const name = SHORTHANDS[letter] ?? "";
  const attached = text.slice(1).replace(/^=/, "");
  if (isOneOf(VALUE_FLAGS, name)) {
    setValue(flags, name, attached !== "" ? attached : needValue(queue, `'${letter}' in -${text}`));
  } else if (isOneOf(BOOLEAN_FLAGS, name) && text.length === 1) {
    flags[name] = true;
  } else {
    throw new UsageError(`unknown shorthand flag: '${letter}' in -${text}`);
  }
}

function needValue(queue: string[], flag: string): string {
  const value = queue.shift();
  if (value === undefined) throw new UsageError(`flag needs an argument: ${flag}`);
  return value;
}

function setValue(flags: Flags, name: ValueFlag, value: string): void {
  flags[name] = REPEATABLE.has(name) ? [...(flags[name] ?? []), value] : [value];
}

function parseBoolean(text: string, name: string): boolean {
  // The spellings of Go's strconv.ParseBool.
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new UsageError(`invalid argument "${text}" for "--${name}" flag: not a boolean`);
}

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}
