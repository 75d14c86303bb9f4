import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { errorMessage } from "@skein/contract";
import {
  findInstallation,
  LabSetupError,
  parseWorkflow,
  readLogTail,
  renderChange,
  renderNodes,
  runWorkflow,
  WorkflowFileError,
  type WorkflowNode,
  type WorkflowRun,
} from "@skein/lab";
import { type Host, textOptions } from "./host.ts";
import { printTrace } from "./print-trace.ts";

/** As commander gives them. */
export interface RunFlags {
  parameter?: ReadonlyMap<string, string>;
  out?: string;
  s3?: string;
  executor?: string;
  executorEnv?: ReadonlyMap<string, string>;
  keep?: true;
  initless?: true;
}

const LOG_TAIL_LINES = 12;

/** Its log lines, and its last word, which the node's message has said already. */
const EXECUTOR_LINE = / argo=true$|^Error: exit status \d+$/;

const EXECUTOR_CONTAINER = /^(init|wait|supervisor)$/;

/**
 * `skein run`: runs the file in the lab, then prints the steps, the waterfall, the load-against-save table and where the files are.
 *
 * @returns 0 when the workflow succeeded, 1 when it did not, 2 when nothing was started
 */
export async function runLab(file: string, flags: RunFlags, host: Host): Promise<number> {
  const text = textOptions(host.stdout, host.environment);
  try {
    const plan = parseWorkflow(file, await readText(file), flags.parameter);
    const run = await runWorkflow(plan, {
      installation: findInstallation(host.directory, host.environment.PATH, flags.executor),
      environment: host.environment,
      outputDirectory: flags.out,
      s3Url: flags.s3,
      keep: flags.keep ?? false,
      ...(flags.executorEnv && { executorEnvironment: flags.executorEnv }),
      layout: flags.initless ? "initless" : "init",
      ...stopSignals(host),
      onChange: progressPrinter(host),
      onNotice: (notice) => void host.stderr.write(`skein: ${notice}\n`),
    });
    host.stdout.write(`\n${renderNodes(run.nodes, text)}`);
    printFailedLogs(run, host);
    await printTrace(run.output, text, host);
    printFiles(run, flags, host);
    return run.summary.phase === "Succeeded" ? 0 : 1;
  } catch (error) {
    if (!(error instanceof WorkflowFileError) && !(error instanceof LabSetupError)) throw error;
    host.stderr.write(`${errorMessage(error)}\n`);
    return 2;
  }
}

/** The first signal stops the pods in order, the second one ends them at once; after the third nothing is tidied up. */
function stopSignals(host: Host): { signal: AbortSignal; killSignal: AbortSignal } {
  const stop = new AbortController();
  const kill = new AbortController();
  host.onSignal(() => {
    if (kill.signal.aborted) host.exit(1); // what still runs is killed on the way out
    if (stop.signal.aborted) {
      host.stderr.write("skein: killing the pods\n");
      kill.abort();
    } else {
      host.stderr.write("skein: stopping the pods; once more to kill them\n");
      stop.abort();
    }
  });
  return { signal: stop.signal, killSignal: kill.signal };
}

function progressPrinter(host: Host): (node: WorkflowNode) => void {
  const began = performance.now();
  const text = textOptions(host.stderr, host.environment);
  return (node) => void host.stderr.write(`${renderChange(node, performance.now() - began, text)}\n`);
}

function printFailedLogs({ nodes, output }: WorkflowRun, { stdout, workingDirectory }: Host): void {
  for (const { podName, container } of nodes.flatMap(failedContainers)) {
    const log = join(output.pods, podName, `${container}.log`);
    // In a user's container the executor's own lines are not what one looks for.
    const tail = readLogTail(log, 4 * LOG_TAIL_LINES)
      .filter((line) => EXECUTOR_CONTAINER.test(container) || !EXECUTOR_LINE.test(line))
      .slice(-LOG_TAIL_LINES);
    if (tail.length === 0) continue;
    const lines = tail.map((line) => `  │ ${line}\n`);
    stdout.write(`\nThe end of ${shorten(log, workingDirectory)}:\n${lines.join("")}`);
  }
}

/** Where to look for what went wrong in a pod: the containers of a set that failed by themselves, else the one it names. */
function failedContainers(node: WorkflowNode): { podName: string; container: string }[] {
  const { podName, phase, message, children } = node;
  if (podName === undefined || phase === "Succeeded" || isSuperseded(node)) return [];
  const members = children.filter((child) => child.type === "Container" && child.phase === "Failed");
  if (members.length > 0) return members.map(({ displayName }) => ({ podName, container: displayName }));
  return [{ podName, container: /^([a-z0-9-]+): /.exec(message)?.[1] ?? "main" }];
}

/** Whether it was, or was part of, an attempt after which there was another one. */
function isSuperseded({ id, parent }: WorkflowNode): boolean {
  if (!parent) return false;
  return (parent.type === "Retry" && parent.children.at(-1)?.id !== id) || isSuperseded(parent);
}

function printFiles({ output }: WorkflowRun, { keep }: RunFlags, { stdout, workingDirectory }: Host): void {
  const files = [
    ["page", output.html],
    ["trace", output.trace],
    ["summary", output.summary],
    ["logs", output.pods],
    ...(keep ? [["kept", output.state]] : []),
  ];
  const lines = files.map(
    ([what = "", path = ""]) => `${what.padEnd(8)} ${shorten(path, workingDirectory)}\n`,
  );
  stdout.write(`\n${lines.join("")}`);
}

/** As one would type it from here. */
function shorten(path: string, from: string): string {
  const inside = relative(from, path);
  return inside.startsWith("..") ? path : inside;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new LabSetupError(errorMessage(error), { cause: error });
  }
}
