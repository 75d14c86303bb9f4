import { runReport } from "@skein/diagnostics";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { type Host, textOptions } from "./host.ts";
import { type RunFlags, runLab } from "./run-lab.ts";

/** The file, the flags or the machine are not what the command needs. */
const EXIT_MISUSE = 2;

/**
 * The `skein` command.
 *
 * @returns the exit code: 0 when all went well, 1 when the workflow failed, 2 when the command was not understood
 */
export async function runCommandLine(args: readonly string[], host: Host): Promise<number> {
  let exitCode = 0;
  const program = new Command("skein")
    .description("Run Argo Workflows without a cluster, and see where their time goes")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
    });
  program.version(host.version, "--version", "print the version");
  program
    .command("run")
    .description("run a Workflow file on this machine, with the real executor")
    .argument("<file>", "a Workflow, with the Secrets and ConfigMaps it needs, as YAML")
    .option("-p, --parameter <name=value>", "a parameter of the workflow; may be repeated", collectParameter)
    .option("--out <directory>", "where summary, trace and logs go (default: out/<workflow name>)")
    .option(
      "--s3 <url>",
      "an S3 store to use, http://ACCESS_KEY:SECRET_KEY@HOST:PORT/BUCKET (default: one of its own)",
    )
    .option("--executor <directory>", "the executor to run (default: dist/argoexec of the checkout)")
    .option(
      "--initless",
      "pods with a supervisor instead of init containers, as Argo v4.1's initlessPod makes them",
    )
    .option("--keep", "leave the pods' volumes and file systems and the S3 objects")
    .action(async (file: string, flags: RunFlags) => {
      exitCode = await runLab(file, flags, host);
    });
  program
    .command("report")
    .description("show what traces say about artifacts: loads against saves, and what bound them")
    .argument("<trace...>", "files with OTLP as JSON lines, or directories of them")
    .option("--json", "print the report as JSON")
    .option("--html <file>", "also write one self-contained page with the waterfall")
    .action(async (paths: string[], flags: { json?: true; html?: string }) => {
      exitCode = await runReport({ paths, ...flags, ...textOptions(host.stdout, host.environment) }, host);
    });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : EXIT_MISUSE; // commander has said what is wrong
  }
  return exitCode;
}

function collectParameter(
  text: string,
  before: ReadonlyMap<string, string> = new Map(),
): Map<string, string> {
  const [name = "", ...value] = text.split("=");
  if (name === "" || !text.includes("=")) throw new InvalidArgumentError("It must look like name=value.");
  return new Map([...before, [name, value.join("=")]]);
}
