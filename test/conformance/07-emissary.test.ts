import { existsSync, readFileSync, statSync } from "node:fs";
import { expect } from "vitest";
import { appears, SAYS, said, sh, sharedText } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const plain = { container: {} };
const RESULT = { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" };

const exits = (
  what: string,
  argv: readonly string[],
  code: number,
  message: string | RegExp = "",
): ConformanceCase => ({
  section: "7",
  statement: `${what} ends the container with ${code}, in its exit code and in the exit-code file`,
  pod: { template: plain, argv },
  expect: { exitCodes: { main: code }, messages: { main: message } },
  check: (end) => {
    const file = end.shared("ctr/main/exitcode");
    expect(readFileSync(file, "utf8")).toBe(String(code));
    expect(statSync(file).mode & 0o777).toBe(0o644);
  },
});

const exitCodes: ConformanceCase[] = [
  exits("a command that succeeds", ["true"], 0),
  exits("a command that fails", sh("exit 3"), 3),
  exits("a command that ends with the highest code", sh("exit 255"), 255),
  exits("a command that ends with 64, our own code,", sh("exit 64"), 64),
  exits("a command that ends with 65, the supervisor's code,", sh("exit 65"), 65),
  exits("a command that is killed", ["sh", "-c", "kill -KILL $$"], 137),
  exits("a command that terminates itself", ["sh", "-c", "kill -TERM $$"], 143),
  exits("a command that is interrupted", ["sh", "-c", "kill -INT $$"], 130),
  exits("a command that aborts", ["sh", "-c", "kill -ABRT $$"], 134),
  exits(
    "a command that is not found",
    ["no-such-command"],
    64,
    'failed to find name in PATH: exec: "no-such-command": executable file not found in $PATH',
  ),
  exits(
    "a path that does not exist",
    ["/no/such/file"],
    64,
    /^failed to find name in PATH: .*\/no\/such\/file/,
  ),
  exits(
    "a file that is not executable",
    ["/etc/passwd"],
    64,
    /^failed to find name in PATH: .*permission denied/,
  ),
  exits("a directory", ["/etc"], 64, /^failed to find name in PATH: /),
];

const process: ConformanceCase[] = [
  {
    section: "7.1",
    statement: "the command gets its own arguments, as they are",
    pod: {
      template: { ...plain, ...SAYS },
      argv: ["sh", "-ec", 'printf "%s|" "$@" >/tmp/p', "sh", "a b", "", "$HOME", "--loglevel", "*"],
    },
    expect: { outputs: said("a b||$HOME|--loglevel|*|") },
  },
  {
    section: "7.1",
    statement: "the command gets the container's environment",
    pod: {
      template: { ...plain, ...SAYS },
      argv: sh('printf "$MINE" >/tmp/p'),
      envOf: { main: { MINE: "yes" } },
    },
    expect: { outputs: said("yes") },
  },
  {
    section: "20.3",
    statement: "the command gets the trace context of its container's span",
    pod: { template: { ...plain, ...SAYS }, argv: sh('printf "$TRACEPARENT $TRACESTATE" >/tmp/p') },
    check: ({ result, spans }) => {
      const main = spans.find(({ name }) => name === "runMainContainer");
      const value = result?.outputs?.parameters?.[0]?.value;
      expect(value).toBe(`00-${main?.traceId}-${main?.spanId}-01 workflow=argo/wf`);
    },
  },
  {
    section: "7.1",
    statement: "the command runs in the container's working directory",
    pod: { template: { ...plain, ...SAYS }, workingDirectory: "/usr/lib", argv: sh("pwd >/tmp/p") },
    expect: { outputs: said("/usr/lib") },
  },
  {
    section: "7.1",
    statement: "the command leads a process group of its own",
    pod: {
      template: { ...plain, ...SAYS },
      argv: sh('read -r a b c d group rest </proc/$$/stat; test "$group" = $$; echo leader >/tmp/p'),
    },
    expect: { outputs: said("leader") },
  },
  {
    section: "7.1",
    statement: "what the command prints is in the container's log, from both streams",
    pod: { template: plain, argv: sh("echo to stdout; echo to stderr >&2") },
    expect: { logs: { main: [/^to stdout$/m, /^to stderr$/m] } },
  },
  {
    section: "7.1",
    statement: "nothing is captured when neither the result nor the log is wanted",
    pod: { template: plain, argv: sh("echo x") },
    check: (end) => {
      expect(existsSync(end.shared("ctr/main/stdout"))).toBe(false);
      expect(existsSync(end.shared("ctr/main/combined"))).toBe(false);
    },
  },
  {
    section: "7.1",
    statement: "a wanted result is captured: stdout alone, and both streams together",
    pod: { template: plain, env: RESULT, argv: sh("echo out; echo err >&2") },
    expect: { outputs: { result: "out" }, logs: { main: [/^out$/m, /^err$/m] } },
    check: (end) => {
      expect(sharedText(end, "ctr/main/stdout")).toBe("out\n");
      expect(sharedText(end, "ctr/main/combined").split("\n").sort()).toEqual(["", "err", "out"]);
    },
  },
  {
    section: "7.1",
    statement: "the order of the two streams is kept in the captured log",
    pod: {
      template: plain,
      env: RESULT,
      argv: sh("for i in 1 2 3 4 5 6 7 8 9; do echo o$i; sleep 0.02; echo e$i >&2; sleep 0.02; done"),
    },
    check: (end) => {
      const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9];
      const lines = numbers.flatMap((number) => [`o${number}`, `e${number}`]);
      expect(sharedText(end, "ctr/main/combined")).toBe(`${lines.join("\n")}\n`);
    },
  },
  {
    section: "7.1",
    statement: "megabytes of output are captured without loss",
    pod: {
      template: plain,
      env: RESULT,
      argv: ["sh", "-ec", "seq 1 300000"],
    },
    check: (end) => {
      const lines = sharedText(end, "ctr/main/stdout").split("\n");
      expect([lines.length, lines[0], lines[299_999]]).toEqual([300_001, "1", "300000"]);
    },
  },
  {
    section: "7.1",
    statement: "a grandchild that keeps the pipe open does not keep the container",
    pod: { template: plain, env: RESULT, argv: sh("sleep 600 & echo done") },
    expect: { outputs: { result: "done" } },
  },
  {
    section: "7.2",
    statement: "background processes may outlive the command, whose end is the container's",
    pod: { template: plain, argv: sh("sleep 600 >/dev/null 2>&1 & exit 7") },
    expect: { exitCodes: { main: 7 } },
  },
  {
    section: "7.2",
    statement: "orphans are reaped while the command runs",
    pod: {
      template: { ...plain, ...SAYS },
      // The subshell's child becomes ours when the subshell ends.
      argv: sh(
        "(sh -c 'exit 0' & sh -c 'exit 0' &) ; sleep 0.2; cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' >/tmp/p || true",
      ),
    },
    expect: { outputs: said("0") },
  },
  {
    section: "7",
    statement: "without a command the wrapper says what is missing and ends with 64",
    pitfall: 38,
    pod: { template: plain, argv: [] },
    expect: { exitCodes: { main: 64 }, messages: { main: /./ } },
    check: (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("64"),
  },
];

const large = "x".repeat(140_000);

const argumentsFile: ConformanceCase[] = [
  {
    section: "7",
    statement: "offloaded arguments come from the file",
    pod: {
      template: { ...plain, ...SAYS },
      argv: ["sh", "-ec", 'printf "%s|" "$@" >/tmp/p', "sh"],
      config: { ARGO_CONTAINER_ARGS_FILE: JSON.stringify(["a b", "c"]) },
      envOf: { main: { ARGO_CONTAINER_ARGS_FILE: "/argo/config/ARGO_CONTAINER_ARGS_FILE" } },
    },
    expect: { outputs: said("a b|c|") },
  },
  {
    section: "7",
    statement: "an argument longer than the kernel allows is handed over as @file",
    pod: {
      template: { ...plain, ...SAYS },
      argv: [
        "sh",
        "-ec",
        'echo "$1" >/tmp/p; set -- "$(echo "$1" | tr -d @)"; test "$(wc -c <"$1")" = 140000',
        "sh",
      ],
      config: { ARGO_CONTAINER_ARGS_FILE: JSON.stringify([large]) },
      envOf: { main: { ARGO_CONTAINER_ARGS_FILE: "/argo/config/ARGO_CONTAINER_ARGS_FILE" } },
    },
    check: ({ result }) => {
      expect(result?.outputs?.parameters?.[0]?.value).toMatch(/^@\/tmp\/argo_arg_\d+\.txt$/);
    },
  },
  {
    section: "7",
    statement: "a file of arguments that is missing is named",
    pod: {
      template: plain,
      envOf: { main: { ARGO_CONTAINER_ARGS_FILE: "/argo/config/none" } },
    },
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /^failed to read container args file \/argo\/config\/none: / },
    },
  },
  {
    section: "7",
    statement: "a file of arguments that is not a JSON array is refused",
    pod: {
      template: plain,
      config: { args: "{" },
      envOf: { main: { ARGO_CONTAINER_ARGS_FILE: "/argo/config/args" } },
    },
    expect: { exitCodes: { main: 64 }, messages: { main: /^failed to unmarshal container args: / } },
  },
];

const pauses: ConformanceCase[] = [
  {
    section: "7",
    statement: "ARGO_DEBUG_PAUSE_BEFORE holds the command until the file `before` appears",
    pod: {
      template: { ...plain, ...SAYS },
      envOf: { main: { ARGO_DEBUG_PAUSE_BEFORE: "true" } },
      argv: sh("test -e /var/run/argo/ctr/main/before; echo went on >/tmp/p"),
      onRunning: async (pod) => {
        await appears(pod, "ctr/main");
        const { writeFileSync } = await import("node:fs");
        writeFileSync(pod.shared("ctr/main/before"), "");
      },
    },
    expect: { outputs: said("went on") },
  },
  {
    section: "7",
    statement: "ARGO_DEBUG_PAUSE_AFTER holds the container's end until the file `after` appears",
    pod: {
      template: plain,
      envOf: { main: { ARGO_DEBUG_PAUSE_AFTER: "true" } },
      argv: sh("touch /var/run/argo/ran; exit 5"),
      onRunning: async (pod) => {
        await appears(pod, "ran");
        expect(existsSync(pod.shared("ctr/main/exitcode"))).toBe(false);
        const { writeFileSync } = await import("node:fs");
        writeFileSync(pod.shared("ctr/main/after"), "");
      },
    },
    expect: { exitCodes: { main: 5 } },
  },
  {
    section: "7",
    statement: "only the exact word true makes a pause",
    pod: {
      template: plain,
      envOf: { main: { ARGO_DEBUG_PAUSE_BEFORE: "1", ARGO_DEBUG_PAUSE_AFTER: "True" } },
    },
  },
];

conformance("the wrapper of the user's command", [...exitCodes, ...process, ...argumentsFile, ...pauses]);
