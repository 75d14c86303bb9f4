import type { Environment } from "@skein/contract";
import { runDiff, runReport, type TraceQuery } from "@skein/diagnostics";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type Host, textOptions } from "./host.ts";
import { type RunFlags, runLab } from "./run-lab.ts";
import type { ClusterFlags, TraceFlags } from "./trace-command.ts";

const TRACE_ARGUMENT =
  "a file with OTLP as JSON lines, a directory of them, - for stdin, or the address of a trace in Jaeger or Tempo";

interface ReportFlags {
  json?: true;
  html?: string;
  trace?: string;
  workflow?: string;
}

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
    .option("-p, --parameter <name=value>", "a parameter of the workflow; may be repeated", collectPair)
    .option("--out <directory>", "where summary, trace and logs go (default: out/<workflow name>)")
    .option(
      "--s3 <url>",
      "an S3 store to use, http://ACCESS_KEY:SECRET_KEY@HOST:PORT/BUCKET (default: one of its own)",
    )
    .option("--executor <directory>", "the executor to run (default: dist/argoexec of the checkout)")
    .option(
      "--executor-env <name=value>",
      "a variable of the executor's containers, as in the controller's executor.env; may be repeated",
      collectPair,
    )
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
    .argument("<trace...>", TRACE_ARGUMENT)
    .option("--trace <id>", "which trace, when an address does not name one, or files hold many")
    .option("--workflow <name>", "the traces of this workflow in files, at an address the newest")
    .option("--json", "print the report as JSON")
    .option("--html <file>", "also write one self-contained page with the waterfall")
    .action(async (paths: string[], flags: ReportFlags) => {
      const { json, html, trace: traceId, workflow } = flags;
      const query: TraceQuery = {
        traceId,
        workflow,
        headers: queryHeaders(host.environment),
        readStdin: host.readStdin,
      };
      const options = { ...(json ? { json } : {}), ...(html === undefined ? {} : { html }) };
      const text = textOptions(host.stdout, host.environment);
      exitCode = await runReport({ paths, query, ...options, ...text }, host);
    });
  program
    .command("diff")
    .description("compare two runs: what got slower, and why")
    .argument("<before>", TRACE_ARGUMENT)
    .argument("<after>", "the same, of the other run")
    .option("--json", "print the difference as JSON")
    .action(async (before: string, after: string, flags: { json?: true }) => {
      const query: TraceQuery = {
        headers: queryHeaders(host.environment),
        readStdin: host.readStdin,
      };
      const text = textOptions(host.stdout, host.environment);
      exitCode = await runDiff({ before, after, query, ...flags, ...text }, host);
    });
  inCluster(program.command("trace"))
    .description(
      "make the spans of workflow, nodes and phases from a Workflow object, where the controller did not",
    )
    .argument("[workflow]", "a workflow's name, a file with the object (and its pods), or - for stdin")
    .option("--watch", "follow all workflows of the namespace instead, and make each span as it ends")
    .option(
      "--out <file>",
      "append the spans to a file as OTLP JSON lines, besides what OTEL_EXPORTER_OTLP_* asks for",
    )
    .action(async (target: string | undefined, flags: TraceFlags) => {
      exitCode = await (await import("./trace-command.ts")).traceCommand(target, flags, host);
    });
  inCluster(program.command("trace-on"))
    .description(
      "print a workflow with tracing turned on for it alone, ready for argo submit - or kubectl create -f -",
    )
    .argument("<workflow>", "a file, - for stdin, or the name of a workflow in the cluster, to be run again")
    .addOption(
      new Option("--level <level>", "how much is traced")
        .choices(["phases", "artifacts", "files"])
        .default("files"),
    )
    .action(async (target: string, flags: ClusterFlags & { level: "phases" | "artifacts" | "files" }) => {
      exitCode = await (await import("./trace-command.ts")).traceOnCommand(target, flags, host);
    });
  program
    .command("doctor")
    .description(
      "look at what usually goes wrong around an executor – rights, bucket, names, clocks, collector – and say how to mend it",
    )
    .argument("[flags...]", "see skein doctor --help")
    // Its flags are those of argoexec doctor, which has no commander: one parser reads them for both.
    .helpOption(false)
    .allowUnknownOption()
    .action(async (flags: string[]) => {
      exitCode = await (await import("./doctor-command.ts")).doctorCommand(flags, host);
    });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : EXIT_MISUSE; // commander has said what is wrong
  }
  return exitCode;
}

/** `SKEIN_QUERY_HEADERS`: `key=value,key=value`, as `OTEL_EXPORTER_OTLP_HEADERS` has them. */
function queryHeaders({ SKEIN_QUERY_HEADERS = "" }: Environment): Record<string, string> {
  const pairs = SKEIN_QUERY_HEADERS.split(",").filter((pair) => pair.includes("="));
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = "", ...value] = pair.split("=");
      return [key.trim().toLowerCase(), percentDecoded(value.join("=").trim())];
    }),
  );
}

/** A password may hold a `%` that nobody has encoded. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function inCluster(command: Command): Command {
  return command
    .option("-n, --namespace <namespace>", "default: as the kubeconfig or the pod says")
    .option("--kubeconfig <file>", "default: KUBECONFIG, ~/.kube/config, or the pod's service account")
    .option("--context <context>", "of the kubeconfig");
}

function collectPair(text: string, before: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const [name = "", ...value] = text.split("=");
  if (name === "" || !text.includes("=")) throw new InvalidArgumentError("It must look like name=value.");
  return new Map([...before, [name, value.join("=")]]);
}
