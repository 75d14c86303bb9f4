import { randomBytes } from "node:crypto";
import {
  ArtifactError,
  ConfigError,
  ContractError,
  type Environment,
  errorMessage,
  type Paths,
  redactSecrets,
} from "@skein/contract";
import { allChecks } from "./all-checks.ts";
import { openExamination } from "./examination.ts";
import { DoctorUsageError, flagsHelp, parseDoctorFlags } from "./flags.ts";
import { renderPod } from "./pod.ts";
import { renderJson } from "./render-json.ts";
import { renderTable } from "./render-table.ts";
import { EXIT_MISUSE, EXIT_WELL, exitCodeOf } from "./report.ts";
import { type Result, runChecks } from "./run-checks.ts";
import { stoppedExitCode } from "./stop.ts";
import type { TextOptions } from "./text.ts";

/** The world outside the command. */
export interface DoctorHost {
  /** Nothing that is secret is handed to either. */
  stdout(text: string): void;
  stderr(text: string): void;
  text: TextOptions;
  env: Environment;
  paths: Paths;
  version: string;
  /** Of the process as it was started. */
  umask: number;
  /** How the command is called here: `skein doctor`, `argoexec doctor`. */
  command: string;
  /** Asks to stop, with a {@link Stopped} as its reason: what is known by then is still printed. */
  signal: AbortSignal;
}

/**
 * `skein doctor`, and `argoexec doctor` in the executor's image: looks at what usually goes wrong around an executor and says
 * how to mend it. Changes nothing but for one probe object in the bucket, which it removes.
 *
 * @param args the command line behind the command's name
 * @returns 0 when nothing has failed, 1 when something has, 2 when the command line was not understood, 128 and the signal's number when it was told to stop
 */
export async function runDoctor(args: readonly string[], host: DoctorHost): Promise<number> {
  try {
    const flags = parseDoctorFlags(args);
    if (flags === "help") {
      host.stdout(help(host.command));
      return EXIT_WELL;
    }
    const { env, paths, version, umask, signal } = host;
    const nonce = randomBytes(6).toString("hex");
    await using examination = await openExamination({ flags, env, paths, version, umask, nonce, signal });
    if (flags.pod) {
      host.stdout(redactSecrets(await renderPod(examination)));
      return EXIT_WELL;
    }
    const results = await runChecks(allChecks(examination), examination, {
      timeLimitMs: flags.timeLimitMs,
      signal,
    });
    const { inPod, namespace, serviceAccount, cluster } = examination;
    const stopped = signal.aborted ? stoppedExitCode(signal) : undefined;
    if (stopped === undefined && sawNothing(results))
      throw new DoctorUsageError(`nothing to look at: ${examination.whyNoCluster}`);
    const head = { version, inPod, namespace, serviceAccount, apiServer: cluster?.connection.server.origin };
    const report = { head, results, stopped };
    host.stdout(redactSecrets(flags.json ? renderJson(report) : renderTable(report, host.text)));
    return exitCodeOf(report);
  } catch (error) {
    const isExpected = [DoctorUsageError, ArtifactError, ConfigError, ContractError].some(
      (expected) => error instanceof expected,
    );
    if (!isExpected) throw error;
    const remedy = error instanceof ArtifactError && error.remedy ? `; ${error.remedy}` : "";
    host.stderr(
      redactSecrets(`${host.command}: ${errorMessage(error)}${remedy}; see ${host.command} --help\n`),
    );
    return EXIT_MISUSE;
  }
}

/** Neither a cluster nor a bucket, a repository or a collector was named, or could be found. */
function sawNothing(results: readonly Result[]): boolean {
  // These two say what there is, and look at nothing outside.
  const own = ["repository", "settings"];
  return results.every(({ finding, id }) => {
    return finding.status === "skip" || (own.includes(id) && finding.status !== "fail");
  });
}

function help(command: string): string {
  return `Usage: ${command} [flags]

Looks at what usually goes wrong around an executor: rights, names, clocks, bucket access, certificates, git hosts, disk,
collector, settings. Prints what it saw and what to do. Puts one small object into the bucket and removes it.

Run it where executors run: kubectl -n NAMESPACE exec POD -c wait -- argoexec doctor, or skein doctor --pod | kubectl create -f -

Flags:
${flagsHelp()}
Exit code 0: nothing has failed; 1: something has; 2: the command line was not understood;
130: interrupted (what is known by then is printed, and the probe object removed).
`;
}
