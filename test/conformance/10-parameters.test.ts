import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import { parameter, SAYS, said, sh, sharedText, until, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const reads = (statement: string, script: string, value: string): ConformanceCase => ({
  section: "10.1",
  statement,
  pod: { template: { container: {}, ...SAYS }, argv: sh(script) },
  expect: { outputs: said(value) },
});

const parameters: ConformanceCase[] = [
  reads("a parameter loses exactly one final newline", "printf 'a\\n\\n' >/tmp/p", "a\n"),
  reads("a parameter without a final newline is whole", "printf a >/tmp/p", "a"),
  reads("a carriage return before the newline stays", "printf 'a\\r\\n' >/tmp/p", "a\r"),
  reads("an empty file is an empty value", ": >/tmp/p", ""),
  reads("lines and blanks stay as they are", "printf ' a\\n\\tb \\n' >/tmp/p", " a\n\tb "),
  reads("text of any script stays as it is", "printf 'žluť 火 🚀' >/tmp/p", "žluť 火 🚀"),
  reads("a link is followed", "echo v >/tmp/q; ln -s q /tmp/p", "v"),
  reads(
    "a hundred kilobytes arrive whole",
    "head -c 100000 /dev/zero | tr '\\0' x >/tmp/p",
    "x".repeat(100_000),
  ),
  {
    section: "10.1",
    statement: "a parameter whose path is in a volume is read through /mainctrfs",
    pod: {
      template: {
        container: withVolumes("/work"),
        outputs: { parameters: [parameter("p", "/work/p")] },
      },
      volumes: ["/work"],
      argv: sh("echo v >/work/p"),
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/work/p"), value: "v" }] } },
  },
  {
    section: "10.1",
    statement: "a file that is missing gives the default, which loses a final newline, too",
    pod: {
      template: { container: {}, outputs: { parameters: [parameter("p", "/tmp/p", { default: "d\n" })] } },
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/tmp/p", { default: "d\n" }), value: "d" }] } },
  },
  {
    section: "10.1",
    statement: "an empty default is a default",
    pod: {
      template: { container: {}, outputs: { parameters: [parameter("p", "/tmp/p", { default: "" })] } },
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/tmp/p", { default: "" }), value: "" }] } },
  },
  {
    section: "10.1",
    statement: "a default that is a number is text in the report",
    pod: {
      template: { container: {}, outputs: { parameters: [parameter("p", "/tmp/p", { default: 5 })] } },
    },
    check: ({ result }) => expect(result?.outputs?.parameters?.[0]?.value).toBe("5"),
  },
  {
    section: "8.5",
    statement: "a file that is missing without a default fails wait with 64 and the file's name",
    pod: { template: { container: {}, ...SAYS } },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /^open .*\/outputs\/parameters\/tmp\/p: no such file or directory$/ },
    },
  },
  {
    section: "10.1",
    statement: "parameters that come from elsewhere are reported without a value",
    pod: {
      template: {
        container: {},
        outputs: { parameters: [{ name: "e", valueFrom: { expression: "1" } }, ...SAYS.outputs.parameters] },
      },
      argv: sh("echo v >/tmp/p"),
    },
    expect: {
      outputs: { parameters: [{ name: "e", valueFrom: { expression: "1" } }, ...said("v").parameters] },
    },
  },
  {
    section: "10.1",
    statement: "fields of a parameter come back as the template has them",
    pod: {
      template: {
        container: {},
        outputs: { parameters: [{ ...parameter("p", "/tmp/p"), globalName: "g", description: "d" }] },
      },
      argv: sh("echo v >/tmp/p"),
    },
    check: ({ result }) =>
      expect(result?.outputs?.parameters?.[0]).toMatchObject({
        globalName: "g",
        description: "d",
        value: "v",
      }),
  },
  {
    section: "10.1",
    statement: "bytes that are no UTF-8 become replacement characters, and the report is accepted",
    pitfall: 31,
    pod: { template: { container: {}, ...SAYS }, argv: sh("printf 'a\\377b' >/tmp/p") },
    expect: { outputs: said("a\uFFFDb") },
  },
  {
    section: "10.1",
    statement: "a parameter too large for any task result is refused by name, and the rest is complete",
    pitfall: 31,
    pod: {
      template: { container: {}, ...SAYS },
      argv: sh("head -c 4000000 /dev/zero | tr '\\0' x >/tmp/p"),
    },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /^output parameter .p.: \/tmp\/p holds/ } },
  },
];

const RESULT = { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" };
const results = (statement: string, script: string, result: string): ConformanceCase => ({
  section: "10.2",
  statement,
  pod: { template: { script: { source: script } }, env: RESULT, argv: ["sh", "/argo/staging/script"] },
  expect: { outputs: { result } },
});

const scriptResults: ConformanceCase[] = [
  results("the result is what the script printed, less one newline", "echo a; echo b", "a\nb"),
  results("the result is stdout alone", "echo a; echo b >&2", "a"),
  results("a script that prints nothing has an empty result", "true", ""),
  {
    section: "10.2",
    statement: "no result is reported when nobody refers to it",
    pod: { template: { container: {} }, argv: sh("echo a") },
    check: ({ result }) => expect(result?.outputs ?? {}).toEqual({}),
  },
  {
    section: "10.2",
    statement: "any container has a result",
    pod: { template: { container: {} }, env: RESULT, argv: sh("echo a") },
    expect: { outputs: { result: "a" } },
  },
  {
    section: "10.2",
    statement: "of a result that is too long the last 256 KiB are kept, and the log says so",
    pod: { template: { container: {} }, env: RESULT, argv: sh("seq 1 60000") },
    expect: { logs: { wait: [/only the last 256 kB were saved/] } },
    check: ({ result }) => {
      const text = result?.outputs?.result ?? "";
      expect(text.length).toBe(262_144);
      expect(text.endsWith("\n60000")).toBe(true);
    },
  },
  {
    section: "10.2",
    statement: "a character at the cut is not split",
    pitfall: 34,
    pod: { template: { container: {} }, env: RESULT, argv: sh("yes 火火火火火火火 | head -n 20000") },
    check: ({ result }) => expect(result?.outputs?.result).not.toContain("\uFFFD"),
  },
  {
    section: "10.2",
    statement: "the result of a script that failed is reported",
    pod: { template: { container: {} }, env: RESULT, argv: sh("echo partial; exit 2") },
    expect: { exitCodes: { main: 2 }, outputs: { result: "partial" } },
  },
  {
    section: "10.2",
    statement: "a command that never started has no result, which is an error",
    pod: { template: { container: {} }, env: RESULT, argv: ["no-such-command"] },
    expect: {
      exitCodes: { main: 64, wait: 64 },
      messages: { main: /no-such-command/, wait: /^open .*\/ctr\/main\/stdout: no such file or directory$/ },
    },
  },
];

const TICK = { ARGO_PROGRESS_PATCH_TICK_DURATION: "100ms" };
const progresses = (
  statement: string,
  line: string,
  progress: string | undefined,
  pitfall?: number,
): ConformanceCase => ({
  section: "10.4",
  statement,
  ...(pitfall === undefined ? {} : { pitfall }),
  pod: { template: { container: {} }, argv: sh(`printf '${line}' >$ARGO_PROGRESS_FILE`) },
  check: ({ result }) => expect(result?.progress).toBe(progress),
});

const progress: ConformanceCase[] = [
  progresses("the final progress is sent, whatever the tick", "50/100\\n", "50/100"),
  progresses("the last line counts", "1/3\\n2/3\\n", "2/3"),
  progresses("0/1 is valid", "0/1", "0/1"),
  progresses("a part that is no number counts as 0", "a/5", "a/5"),
  progresses("more than all is invalid", "3/2", undefined),
  progresses("nothing of nothing is invalid", "1/0", undefined),
  progresses("two slashes are invalid", "1/2/3", undefined),
  progresses("a line without a slash is a warning and nothing more", "50", undefined, 5),
  progresses("an empty file is nothing", "", undefined),
  {
    section: "10.4",
    statement: "progress is sent at the tick while main runs",
    pod: {
      template: { container: {} },
      env: TICK,
      argv: sh("echo 1/2 >$ARGO_PROGRESS_FILE; while ! test -e /var/run/argo/go; do sleep 0.02; done"),
      onRunning: async (pod) => {
        await until(() => pod.requests().some(({ body }) => body.progress === "1/2"));
        writeFileSync(pod.shared("go"), "");
      },
    },
    check: ({ requests }) => {
      const patch = requests.find(({ body }) => body.progress === "1/2");
      expect([patch?.method, patch?.body]).toEqual(["PATCH", { metadata: {}, progress: "1/2" }]);
    },
  },
  {
    section: "10.4",
    statement: "a link in place of the progress file makes no line of a secret of wait's a line of its log",
    // Whatever is in its log: runPod looks for secrets in it.
    pod: {
      template: { container: {} },
      env: TICK,
      argv: sh("ln -s /argo/secret/cred/secretkey $ARGO_PROGRESS_FILE"),
    },
    expect: { logs: { wait: [/failed to report progress.*leads to .*which is outside/] } },
    check: ({ result }) => expect(result?.progress).toBeUndefined(),
  },
  {
    section: "10.4",
    statement:
      "pipes in place of the progress, the captured output and the journal keep nothing from being reported",
    pod: {
      template: { container: {}, ...SAYS },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      argv: sh(
        "cd /var/run/argo; rm -f ctr/main/stdout skein/journal/wait.jsonl; " +
          "mkfifo progress ctr/main/stdout skein/journal/wait.jsonl; echo v >/tmp/p",
      ),
    },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /ctr\/main\/stdout: it is a pipe/ },
      outputs: said("v"),
    },
  },
  {
    section: "3.1",
    statement: "a tick of 0 turns progress off",
    pod: {
      template: { container: {} },
      env: { ARGO_PROGRESS_PATCH_TICK_DURATION: "0s" },
      argv: sh("echo 1/2 >/var/run/argo/progress"),
    },
    expect: { logs: { wait: [/monitoring progress disabled/] } },
    check: ({ result }) => expect(result?.progress).toBeUndefined(),
  },
  {
    section: "10.3",
    statement: "the exit code is not reported: the controller reads it from the container",
    pod: { template: { container: {} }, argv: sh("exit 3") },
    expect: { exitCodes: { main: 3 } },
    check: (end) => {
      expect(end.result?.outputs ?? {}).toEqual({});
      expect(sharedText(end, "ctr/main/exitcode")).toBe("3");
    },
  },
];

conformance("output parameters, results and progress", [...parameters, ...scriptResults, ...progress]);
