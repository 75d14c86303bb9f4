import { expect } from "vitest";
import type { PodRequest } from "../support/pods/pod-request.ts";
import { SAYS, said, sh } from "./support/builders.ts";
import { runCommand } from "./support/command.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const LOG = ["--loglevel", "info", "--log-format", "text", "--gloglevel", "0"];
const pod = { template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p") };
const lastLine = (log = ""): string | undefined => log.trimEnd().split("\n").at(-1);

/** Wait's requests go to the namespace, and what it reports is there. */
const namespace = (
  statement: string,
  more: Pick<PodRequest, "logFlags" | "env">,
  name: string,
): ConformanceCase => ({
  section: "6",
  statement,
  pod: { ...pod, ...more },
  expect: { outputs: said("v") },
  check: ({ requests }) =>
    expect(new Set(requests.map(({ path }) => path.split("/")[5]))).toEqual(new Set([name])),
});

/** A cluster's credentials as a file, as an operator's `kubeConfig` setting mounts them. */
const kubeconfig = (server: string, token: string, ca: string, name?: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u", ...(name ? { namespace: name } : {}) } }],
    clusters: [
      { name: "k", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } },
    ],
    users: [{ name: "u", user: { token } }],
  });

const flags: ConformanceCase[] = [
  ...["JSON", "Text", "json"].map(
    (format): ConformanceCase => ({
      section: "2.1",
      statement: `--log-format ${format} is understood`,
      run: async (cluster) => {
        const { exitCode, log } = await runCommand(cluster, [
          "argoexec",
          "kill",
          "0",
          "1",
          "--log-format",
          format,
        ]);
        expect([exitCode, log]).toEqual([0, expect.stringMatching(/^killing 1 with/m)]);
      },
    }),
  ),
  {
    section: "2.1",
    statement: "global flags may stand before the command",
    run: async (cluster) => {
      const { exitCode, log } = await runCommand(cluster, ["argoexec", ...LOG, "kill", "0", "1"]);
      expect([exitCode, log]).toEqual([0, expect.stringMatching(/^killing 1 with/m)]);
    },
  },
  {
    section: "2.1",
    statement: "flags may be written as --flag=value, too",
    run: async (cluster) => {
      const { exitCode, log } = await runCommand(cluster, [
        "argoexec",
        "kill",
        "--loglevel=debug",
        "--log-format=json",
        "--gloglevel=6",
        "0",
        "1",
      ]);
      expect([exitCode, log]).toEqual([0, expect.stringMatching(/^killing 1 with/m)]);
    },
  },
  {
    section: "2.1",
    statement: "the flags by which kubectl is told where and who are accepted by every command",
    pod: {
      ...pod,
      logFlags: [
        ...LOG,
        "--request-timeout",
        "0",
        "--disable-compression",
        "--username",
        "",
        "--password",
        "",
      ],
    },
    expect: { outputs: said("v") },
  },
  {
    section: "2.1",
    statement: "what comes after -- is the user's, even what looks like a flag of ours",
    pod: { ...pod, argv: ["sh", "-ec", 'printf %s "$*" >/tmp/p', "sh", "--loglevel", "--", "-n", "x"] },
    expect: { outputs: said("--loglevel -- -n x") },
  },
  namespace("without any other word, the namespace is that of the service account", {}, "argo"),
  namespace("-n names another namespace", { logFlags: [...LOG, "-n", "elsewhere"] }, "elsewhere"),
  namespace("--namespace does, too", { logFlags: [...LOG, "--namespace", "elsewhere"] }, "elsewhere"),
  namespace("POD_NAMESPACE comes before the service account's", { env: { POD_NAMESPACE: "mine" } }, "mine"),
  ...[
    ["--kubeconfig names the file that says where the API server is", true],
    ["KUBECONFIG does, too", false],
  ].map(
    ([statement, byFlag]): ConformanceCase => ({
      section: "6",
      statement: String(statement),
      pod: (cluster) => {
        const { api } = cluster;
        const path = "/argo/config/kubeconfig";
        return {
          ...pod,
          config: { kubeconfig: kubeconfig(`https://127.0.0.1:${api.port}`, api.token, api.ca, "theirs") },
          // Nothing answers where the pod itself would look.
          env: { KUBERNETES_SERVICE_PORT: "1", ...(byFlag ? {} : { KUBECONFIG: path }) },
          ...(byFlag ? { logFlags: [...LOG, "--kubeconfig", path] } : {}),
        };
      },
      expect: { outputs: said("v") },
      check: ({ requests }) => expect(requests[0]?.path).toContain("/namespaces/theirs/"),
    }),
  ),
];

const endings: ConformanceCase[] = [
  {
    section: "2.3",
    statement: "a command that fails leaves `Error: exit status` as the last line of its container's log",
    pod: { template: { container: {} }, argv: sh("echo said; exit 3") },
    expect: { exitCodes: { main: 3 } },
    check: ({ main }) => {
      expect(lastLine(main?.log)).toBe("Error: exit status 3");
      expect(main?.log).toMatch(/^said$/m);
    },
  },
  {
    section: "2.3",
    statement: "a command that a signal ended is `Error: exit status` 128 and the signal's number",
    pod: { template: { container: {} }, argv: ["sh", "-c", "kill -KILL $$"] },
    expect: { exitCodes: { main: 137 } },
    check: ({ main }) => expect(lastLine(main?.log)).toMatch(/^Error: exit status 137$/),
  },
  {
    section: "2.3",
    statement: "an error of our own is on stderr as `Error:` and its text, and then the text alone",
    pod: {
      template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/tmp/a" }] } },
      absent: ["wait", "main"],
    },
    expect: { exitCodes: { init: 64 }, messages: { init: "required artifact 'a' not supplied" } },
    check: ({ init }) =>
      expect(init.log.trimEnd().split("\n").slice(-2)).toEqual([
        "Error: required artifact 'a' not supplied",
        "required artifact 'a' not supplied",
      ]),
  },
  {
    section: "2.3",
    statement: "a pod whose settings are wrong, which ends with 2, prints no `Error:` line",
    pod: { template: { container: {} }, env: { ARGO_DEADLINE: "soon" }, absent: ["wait", "main"] },
    expect: { exitCodes: { init: 2 }, messages: { init: /soon/ } },
    check: ({ init }) => expect(init.log).not.toMatch(/^Error: /m),
  },
  {
    section: "2.4",
    statement: "a plain failure of the user's leaves the termination message empty",
    pod: { template: { container: {} }, argv: sh("echo loud >&2; exit 9") },
    expect: { exitCodes: { main: 9 }, messages: { main: "" } },
  },
  {
    section: "2.4",
    statement: "a termination log that cannot be written is said on stderr, and changes nothing else",
    rootOnly: "only root can put something else in its place",
    run: async (cluster) => {
      const gone = "umount /dev/termination-log; rm -f /dev/termination-log; mkdir /dev/termination-log";
      const end = await runCommand(cluster, ["sh", "-c", `${gone}; argoexec nonsense`]);
      expect(end.exitCode).toBe(64);
      expect(end.log).toMatch(/^Error: unknown command "nonsense"/m);
      expect(end.log).toMatch(/^unable to write termination log: /m);
    },
  },
  {
    section: "18",
    statement: "kill with a signal that does not exist is 64",
    run: async (cluster) => {
      const { exitCode, log } = await runCommand(cluster, ["argoexec", "kill", "999", "1"]);
      expect([exitCode, log]).toEqual([64, expect.stringMatching(/invalid argument/)]);
    },
  },
  {
    section: "18",
    statement: "kill needs nothing of the pod: no variable, no API server",
    run: async (cluster) => {
      const script = "sleep 600 & env -i /argoexec/bin/argoexec kill 9 $!; wait $! || echo ended $?";
      const { exitCode, log } = await runCommand(cluster, ["sh", "-c", script]);
      expect([exitCode, log]).toEqual([
        0,
        expect.stringMatching(/^killing \d+ with killed\n(.*\n)?ended 137$/m),
      ]);
    },
  },
];

conformance("flags, namespaces and how errors are told", [...flags, ...endings]);
