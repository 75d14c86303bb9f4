import { expect } from "vitest";
import { runCommand } from "./support/command.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const says = (
  section: string,
  statement: string,
  argv: readonly string[],
  exitCode: number,
  output: RegExp,
  message: string | RegExp = exitCode === 0 ? "" : /./,
  environment: Record<string, string> = {},
): ConformanceCase => ({
  section,
  statement,
  run: async (cluster) => {
    const end = await runCommand(cluster, argv, { environment });
    expect([end.exitCode, end.log]).toEqual([exitCode, expect.stringMatching(output)]);
    if (typeof message === "string") expect(end.terminationMessage).toBe(message);
    else expect(end.terminationMessage).toMatch(message);
  },
});

/** What every act needs before it looks at its template. */
const POD = { ARGO_POD_NAME: "p", ARGO_DEADLINE: "0001-01-01T00:00:00Z", ARGO_TEMPLATE: '{"container":{}}' };
const without = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(POD).filter(([key]) => key !== name));

conformance("the command line", [
  says("2.1", "without a command the help is printed", ["argoexec"], 0, /emissary/),
  says(
    "2.2",
    "version says which build this is",
    ["argoexec", "version"],
    0,
    /^argoexec: \S+\n {2}BuildDate: /,
  ),
  says("2.2", "version --short is one line", ["argoexec", "version", "--short"], 0, /^argoexec: \S+\n$/),
  says(
    "2.3",
    "an unknown command is 64, said on stderr and in the termination message",
    ["argoexec", "nonsense"],
    64,
    /^Error: unknown command "nonsense"/m,
    /unknown command "nonsense"/,
  ),
  says("2.3", "an unknown flag is 64", ["argoexec", "wait", "--nonsense"], 64, /unknown flag: --nonsense/),
  says(
    "2.1",
    "a log level that does not exist ends with 1, in JSON",
    ["argoexec", "wait", "--loglevel", "loud"],
    1,
    /^\{.*"level":"ERROR"/m,
    "",
  ),
  says(
    "2.1",
    "a log format that does not exist ends with 1",
    ["argoexec", "wait", "--log-format", "xml"],
    1,
    /xml/,
    "",
  ),
  says(
    "2.3",
    "without ARGO_POD_NAME init ends with 1",
    ["argoexec", "init"],
    1,
    /ARGO_POD_NAME/,
    /ARGO_POD_NAME/,
    without("ARGO_POD_NAME"),
  ),
  says(
    "3.1",
    "without ARGO_DEADLINE init ends with 2",
    ["argoexec", "init"],
    2,
    /ARGO_DEADLINE/,
    /ARGO_DEADLINE/,
    without("ARGO_DEADLINE"),
  ),
  says("3.1", "a deadline that is no time ends init with 2", ["argoexec", "init"], 2, /soon/, /soon/, {
    ...POD,
    ARGO_DEADLINE: "soon",
  }),
  says(
    "3.1",
    "a template that is no JSON ends init with 2",
    ["argoexec", "init"],
    2,
    /not JSON/,
    /not JSON/,
    { ...POD, ARGO_TEMPLATE: "{" },
  ),
  says(
    "5.7",
    "an offloaded template that is not mounted ends init with 2, naming the file",
    ["argoexec", "init"],
    2,
    /\/argo\/config\/ARGO_TEMPLATE/,
    /\/argo\/config/,
    { ...POD, ARGO_TEMPLATE: "offloaded" },
  ),
  ...[
    "EXECUTOR_RETRY_BACKOFF_STEPS",
    "EXECUTOR_RETRY_BACKOFF_FACTOR",
    "EXECUTOR_RETRY_BACKOFF_JITTER",
    "RETRY_BACKOFF_STEPS",
    "RETRY_BACKOFF_FACTOR",
  ].map((name) =>
    says(
      "3.1",
      `${name} that is no number ends with 2, naming it`,
      ["argoexec", "init"],
      2,
      new RegExp(name),
      new RegExp(name),
      { ...POD, [name]: "x" },
    ),
  ),
  ...["EXECUTOR_RETRY_BACKOFF_DURATION", "RETRY_BACKOFF_DURATION"].map((name) =>
    says(
      "3.1",
      `${name} that is no duration ends with 2, naming it`,
      ["argoexec", "init"],
      2,
      new RegExp(name),
      new RegExp(name),
      { ...POD, [name]: "5" },
    ),
  ),
  says(
    "18",
    "kill sends the signal to the process and says so",
    ["sh", "-c", "sleep 600 & argoexec kill 15 $!; wait $!; echo ended $?"],
    0,
    /^killing \d+ with terminated\n(.*\n)?ended 143$/m,
  ),
  says(
    "18",
    "kill of a process that is not there is 64",
    ["argoexec", "kill", "15", "999999"],
    64,
    /no such process/,
  ),
  says("18", "kill with a signal that is no number is 64", ["argoexec", "kill", "TERM", "1"], 64, /TERM/),
  says("18", "kill with a process id that is no number is 64", ["argoexec", "kill", "15", "one"], 64, /one/),
  {
    ...says("18", "kill without arguments says what it needs", ["argoexec", "kill"], 64, /SIGNAL|arg/i),
    pitfall: 38,
  },
  {
    ...says("18", "kill with one argument says what it needs", ["argoexec", "kill", "15"], 64, /PID|arg/i),
    pitfall: 38,
  },
  ...["trace", "print", "fatal", "panic", "DEBUG", "Info", "warn", "error"].map((level) =>
    says(
      "2.1",
      `--loglevel ${level} is understood`,
      ["argoexec", "kill", "0", "1", "--loglevel", level],
      0,
      /^killing 1 with/m,
    ),
  ),
  ...["resource", "data", "agent", "artifact", "artifact-plugin-init", "artifact-plugin-sidecar"].map(
    (command) =>
      says(
        "2.2",
        `${command} is not there yet: 64, and the text says for what`,
        ["argoexec", command],
        64,
        new RegExp(`argoexec ${command} is not supported yet`),
        /not supported yet/,
      ),
  ),
]);
