import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { PodFilesystem, PodRequest } from "../support/pods/pod-request.ts";
import { appears, output, SAYS, said, sh, sharedText, until, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const plain = { container: {} };
const RESULT = { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" };
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

/** A program in a volume, which is the user's image as far as the wrapper can tell. */
const program =
  (text: string, permissions = 0o755, name = "tool") =>
  (pod: PodFilesystem): void => {
    const file = join(pod.volume("/work"), name);
    writeFileSync(file, text);
    chmodSync(file, permissions);
  };
const inWork = (argv: readonly string[], more: Partial<PodRequest> = {}): PodRequest => ({
  template: { container: withVolumes("/work"), ...SAYS },
  volumes: ["/work"],
  argv,
  prepare: program("#!/bin/sh\necho tool $* >/tmp/p\n"),
  ...more,
});

const lookup: ConformanceCase[] = [
  {
    section: "7",
    statement: "a command is looked for in the container's own PATH",
    pod: inWork(["tool", "x"], { envOf: { main: { PATH: `/work:${SYSTEM_PATH}` } } }),
    expect: { outputs: said("tool x") },
  },
  {
    section: "7",
    statement: "a name with a slash is taken from the working directory, not from PATH",
    pod: inWork(["./tool", "y"], { workingDirectory: "/work" }),
    expect: { outputs: said("tool y") },
  },
  {
    section: "7",
    statement: "a command that an empty element of PATH would find in the working directory is refused",
    pod: {
      ...inWork(["tool"], { workingDirectory: "/work", envOf: { main: { PATH: `:${SYSTEM_PATH}` } } }),
      template: { container: withVolumes("/work") },
    },
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /cannot run executable found relative to current directory/ },
    },
  },
  {
    section: "7",
    statement: "without a PATH nothing is found but by its whole name",
    pod: { template: plain, argv: ["sh", "-c", "true"], envOf: { main: { PATH: undefined } } },
    expect: { exitCodes: { main: 64 }, messages: { main: /executable file not found in \$PATH/ } },
  },
  {
    section: "7",
    statement: "a script without an interpreter's line cannot be started: 64, and the text says why",
    pod: {
      ...inWork(["/work/tool"], { prepare: program("echo no first line\n") }),
      template: { container: withVolumes("/work") },
    },
    expect: { exitCodes: { main: 64 }, messages: { main: /^failed to start command: .*exec format error/ } },
    check: (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("64"),
  },
  {
    section: "7",
    statement: "a script whose interpreter is not there cannot be started: 64, and the text says why",
    pod: {
      ...inWork(["/work/tool"], { prepare: program("#!/no/such/interpreter\n") }),
      template: { container: withVolumes("/work") },
    },
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /^failed to start command: .*no such file or directory/ },
    },
  },
  {
    section: "7",
    statement: "an empty command is not found",
    pod: { template: plain, argv: [""] },
    expect: { exitCodes: { main: 64 }, messages: { main: /^failed to find name in PATH: / } },
  },
  {
    section: "7",
    statement: "a link to a program is run under the name it was called by",
    pod: inWork(["/work/alias"], {
      prepare: (pod) => {
        program("#!/bin/sh\nbasename $0 >/tmp/p\n")(pod);
        symlinkSync("tool", join(pod.volume("/work"), "alias"));
      },
    }),
    expect: { outputs: said("alias") },
  },
];

const surroundings: ConformanceCase[] = [
  {
    section: "7.1",
    statement: "variables with newlines, equal signs and bytes of any kind arrive as they are",
    pod: {
      template: { ...plain, ...SAYS },
      envOf: { main: { ODD: "a=b\n\tžluť 火 $HOME" } },
      argv: sh('printf "%s" "$ODD" >/tmp/p'),
    },
    expect: { outputs: said("a=b\n\tžluť 火 $HOME") },
  },
  {
    section: "7.1",
    statement: "without captured output the command has the container's own descriptors, not pipes of ours",
    pod: {
      template: { ...plain, ...SAYS },
      argv: sh("test ! -p /proc/self/fd/1; test ! -p /proc/self/fd/2; echo own >/tmp/p"),
    },
    expect: { outputs: said("own") },
  },
  {
    section: "7.1",
    statement: "the command inherits no descriptor of ours beyond its three",
    pod: {
      template: { ...plain, ...SAYS },
      env: RESULT,
      argv: sh("ls -l /proc/self/fd >/tmp/p"),
    },
    check: ({ result }) => {
      const targets = result?.outputs?.parameters?.[0]?.value;
      expect(targets).toMatch(/ 2 -> /);
      expect(targets).not.toMatch(/-> .*(argo|eventpoll|eventfd|inotify)/);
    },
  },
  {
    section: "7.1",
    statement: "the command has the umask 0, as upstream's has",
    pod: { template: { ...plain, ...SAYS }, argv: sh("umask >/tmp/p") },
    expect: { outputs: said("0000") },
  },
  {
    section: "7.1",
    statement: "the command begins with no signal blocked or ignored by us",
    pod: {
      template: { ...plain, ...SAYS },
      argv: ["sh", "-ec", "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2 | tr '\\n' ' ' >/tmp/p"],
    },
    check: ({ result }) => {
      const masks = String(result?.outputs?.parameters?.[0]?.value).trim().split(" ");
      // Signal 32 is the C library's own: no program can change it, and what starts the tests may have left it ignored.
      expect(masks.map((mask) => BigInt(`0x${mask}`) & 0x7fff_ffffn)).toEqual([0n, 0n]);
    },
  },
  {
    section: "7.1",
    statement: "bytes that are no text are captured and archived as they are",
    pod: (cluster) => ({
      template: { ...plain, archiveLocation: cluster.repository("bytes", { archiveLogs: true }) },
      argv: ["sh", "-ec", "printf 'a\\000\\377\\376\\r\\nb'"],
    }),
    check: (_end, cluster) =>
      expect(cluster.object("bytes/main.log")).toEqual(Buffer.from([97, 0, 255, 254, 13, 10, 98])),
  },
  {
    section: "7.1",
    statement: "output without a last newline is captured, and printed",
    pod: { template: plain, env: RESULT, argv: ["sh", "-ec", "printf unfinished"] },
    expect: { outputs: { result: "unfinished" }, logs: { main: [/unfinished/] } },
  },
  {
    section: "7.1",
    statement: "a command that closes its own output ends as any other",
    pod: { template: plain, env: RESULT, argv: sh("echo before; exec >&- 2>&-; sleep 0.2; exit 4") },
    expect: { exitCodes: { main: 4 }, outputs: { result: "before" } },
  },
  {
    section: "7.2",
    statement: "hundreds of orphans do not keep the container, nor its exit code",
    pod: {
      template: plain,
      argv: ["sh", "-c", "i=0; while [ $i -lt 300 ]; do (true &) ; i=$((i+1)); done; exit 11"],
    },
    expect: { exitCodes: { main: 11 } },
  },
];

const files: ConformanceCase[] = [
  {
    section: "4",
    statement: "what the wrapper leaves in the shared volume can be read by containers of other users",
    pod: {
      template: { ...plain, ...SAYS },
      env: RESULT,
      argv: sh("umask 077; echo out; echo v >/tmp/p"),
    },
    check: (end) => {
      expect(mode(end.shared("ctr/main"))).toBe("777");
      expect(mode(end.shared("ctr/main/exitcode"))).toBe("644");
      for (const name of ["stdout", "combined"])
        expect(mode(end.shared(`ctr/main/${name}`)), name).toBe("666");
      expect(mode(end.shared("outputs/parameters/tmp/p"))).toBe("666");
      expect(mode(end.shared("outputs/parameters/tmp"))).toBe("755");
    },
  },
  {
    section: "4",
    statement: "the exit-code file is a decimal number without a newline, and nothing is left beside it",
    pod: { template: plain, argv: sh("exit 42") },
    expect: { exitCodes: { main: 42 } },
    check: (end) => {
      expect(sharedText(end, "ctr/main/exitcode")).toBe("42");
      expect(readdirSync(end.shared("ctr/main")).toSorted()).toEqual(["exitcode", "lock"]);
    },
  },
  {
    section: "7.4",
    statement: "wait, of another user than main, reads what main keeps to itself",
    rootOnly: "only root can run containers of different users",
    pod: (cluster) => ({
      template: {
        ...plain,
        outputs: { ...SAYS.outputs, artifacts: [output("o", "/tmp/dir")] },
        archiveLocation: cluster.repository("others"),
      },
      securityContextOf: {
        wait: { runAsUser: 8737, readOnlyRootFilesystem: false },
        main: { runAsUser: 1234, readOnlyRootFilesystem: false },
      },
      volumes: ["/tmp"],
      argv: sh("umask 077; echo v >/tmp/p; mkdir /tmp/dir; echo x >/tmp/dir/f"),
    }),
    check: ({ result }, cluster) => {
      expect(result?.outputs?.parameters?.[0]?.value).toBe("v");
      expect(cluster.object("others/o.tgz")).toBeDefined();
    },
  },
  {
    section: "7.3",
    statement: "a signal file that another user's container wrote is heard and removed",
    rootOnly: "only root can run containers of different users",
    pod: {
      template: plain,
      controller: false,
      securityContextOf: { main: { runAsUser: 1234, readOnlyRootFilesystem: false } },
      argv: sh("trap 'exit 6' TERM; touch /var/run/argo/up; while :; do sleep 0.05; done"),
      onRunning: async (pod) => {
        await appears(pod, "up");
        writeFileSync(pod.shared("ctr/main/signal"), "15");
      },
    },
    expect: { exitCodes: { main: 6 } },
    check: (end) => expect(existsSync(end.shared("ctr/main/signal"))).toBe(false),
  },
  {
    section: "7",
    statement: "a container whose directory was made beforehand, by whoever was first, uses it",
    pod: {
      template: plain,
      prepare: (pod) => {
        mkdirSync(pod.shared("ctr/main"), { recursive: true });
        chmodSync(pod.shared("ctr"), 0o777);
        chmodSync(pod.shared("ctr/main"), 0o777);
      },
      argv: sh("exit 8"),
    },
    expect: { exitCodes: { main: 8 } },
  },
  {
    section: "7",
    statement: "a pause before the command ends with a SIGTERM: 143, and the command never runs",
    pod: {
      template: plain,
      controller: false,
      envOf: { main: { ARGO_DEBUG_PAUSE_BEFORE: "true" } },
      argv: sh("touch /var/run/argo/ran"),
      onRunning: async (pod) => {
        await until(
          () =>
            existsSync(pod.shared("skein/journal/main.jsonl")) &&
            readFileSync(pod.shared("skein/journal/main.jsonl"), "utf8").includes('"start"'),
        );
        pod.main.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { main: 143 } },
    check: (end) => expect(existsSync(end.shared("ran"))).toBe(false),
  },
  {
    section: "7",
    statement: "a template that the wrapper cannot read ends the container with 64, saying so",
    pod: {
      template: plain,
      controller: false,
      onStart: (name, _process, pod) => {
        // After init, which runs to its end before the others start.
        if (name === "wait") {
          chmodSync(pod.shared("."), 0o777);
          writeFileSync(pod.shared("template.new"), "{", { mode: 0o444 });
          renameSync(pod.shared("template.new"), pod.shared("template"));
        }
      },
    },
    expect: {
      exitCodes: { main: 64, wait: 2 },
      messages: { main: /^failed to unmarshal template: /, wait: /not JSON/ },
      complete: false,
    },
  },
];

conformance("the user's command: how it is found, what it inherits, what is left", [
  ...lookup,
  ...surroundings,
  ...files,
]);
