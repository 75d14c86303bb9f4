import { createLogger, EXIT_ERROR, type Logger, redactSecrets } from "@skein/contract";
import { buildInfo } from "./build-info.ts";
import { type CommandLine, parseCommandLine, UsageError } from "./command-line.ts";
import { CrashError, type Ending, endingOf, SUCCESS } from "./ending.ts";
import { HELP } from "./help.ts";
import type { Host } from "./host.ts";
import { initCommand } from "./init-command.ts";
import { parseLogOptions } from "./log-options.ts";
import { writeTerminationMessage } from "./termination-message.ts";
import { whyNot } from "./unsupported.ts";
import { versionText } from "./version.ts";
import { waitCommand } from "./wait-command.ts";

/**
 * Runs one command and gives the process's exit code (contract §2.3), after everything has been said: in the log,
 * on stderr and in the termination message (§2.4). Never throws.
 */
export async function run(outside: Host): Promise<number> {
  const host = withoutSecrets(outside);
  const ending = await runToItsEnd(host);
  const { exitCode } = ending;
  const message = ending.message && redactSecrets(ending.message);
  if (message !== undefined) {
    writeTerminationMessage(host.paths.terminationLog, message, host.stderr);
    // Upstream's command line prints the error it was returned, and its `main` the bare text again.
    if (exitCode === EXIT_ERROR) host.stderr(`Error: ${message}\n${message}\n`);
  }
  return exitCode;
}

/** Whatever is said, by whomever: no secret of this process is in it. */
function withoutSecrets(host: Host): Host {
  return { ...host, stderr: (text) => host.stderr(redactSecrets(text)) };
}

async function runToItsEnd(host: Host): Promise<Ending> {
  let words: string[] = [];
  // Until the flags are understood: complaints about them are JSON upstream, too.
  let log = createLogger({ write: host.stderr, level: "info", format: "json" });
  try {
    const [first, ...rest] = host.argv;
    // For people, with flags of its own; the controller never starts it.
    if (first === "doctor") {
      const { doctorCommand } = await import("./doctor-command.ts");
      return await Promise.race([doctorCommand(host, rest), host.crashed]);
    }
    const line = parseCommandLine(host.argv);
    words = line.words;
    const print = printOnly(line);
    if (print !== undefined) {
      host.stdout(print);
      return SUCCESS;
    }
    log = createLogger({ write: host.stderr, ...parseLogOptions(line.flags) });
    return await Promise.race([runCommand(line, host, log), host.crashed]);
  } catch (error) {
    const ending = endingOf(error, words);
    complain(error, ending, log);
    return ending;
  }
}

/** What the commands print that do nothing else. */
function printOnly({ words, flags }: CommandLine): string | undefined {
  const [command] = words;
  if (command === undefined || command === "help" || flags.help) return HELP;
  return command === "version" ? versionText(buildInfo, flags.short ?? false) : undefined;
}

function runCommand({ words, flags }: CommandLine, host: Host, log: Logger): Promise<Ending> {
  const [command = "", act] = words;
  if (command === "init") return initCommand(host, flags, log);
  if (command === "wait" || command === "supervisor") return waitCommand(command, act, host, flags, log);
  throw new UsageError(whyNot(command));
}

function complain(error: unknown, ending: Ending, log: Logger): void {
  if (error instanceof CrashError) {
    log.error("uncaught error", { error, stack: (error.cause as Error | undefined)?.stack });
  } else {
    const { remedy } = (error ?? {}) as { remedy?: string };
    log.error(ending.exitCode === EXIT_ERROR ? "executor error" : "cannot start", {
      error: ending.message,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
}
