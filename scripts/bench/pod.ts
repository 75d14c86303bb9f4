import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Template } from "@skein/contract";
import type { Sandbox, SandboxMount, SandboxProcess } from "@skein/lab/testing";
import { peakAnonymousBytes } from "./anonymous-memory.ts";

/** What the kernel says one whole process and its descendants cost. */
export interface Figures {
  wallSeconds: number;
  cpuSeconds: number;
  maxRssBytes: number;
  /** Largest `RssAnon` that was seen of one process, where it was looked for. */
  anonymousBytes?: number;
}

export interface RunOptions {
  /** Beside what the controller sets. */
  environment?: Readonly<Record<string, string>>;
  /** How often anonymous memory is looked at. Default: never, because looking takes time, too. */
  lookEveryMs?: number;
}

export interface BenchParts {
  sandbox: Sandbox;
  /** The tree of an executor image. */
  executor: string;
  /** The program that runs a command and writes its figures. */
  measure: string;
  /** On tmpfs. */
  directory: string;
  apiServer: { port: number; token: string; ca: string };
}

export interface BenchPod {
  /**
   * The container to its end: `argoexec init`, `argoexec wait`, or `true` in the wrapper. Fails when the exit code is not
   * 0.
   */
  run(container: "init" | "wait" | "main", template: Template, options?: RunOptions): Promise<Figures>;
  /** Any program of the executor's image, in init's container, to its end. */
  runProgram(argv: readonly string[]): Promise<Figures>;
  /** The user's container, or any other long-lived one, for looking at from outside. */
  start(container: "main" | "wait", argv: readonly string[]): Promise<SandboxProcess>;
  /** Path on the machine of a file below `/var/run/argo`. */
  shared(path: string): string;
  /** Path on the machine of the volume that is `/data` in main and `/mainctrfs/data` in the executor's containers. */
  readonly volume: string;
  /** Path on the machine of the volume that input artifacts are put on. */
  readonly inputs: string;
  remove(): void;
}

const LOG_FLAGS = ["--loglevel", "info", "--log-format", "text", "--gloglevel", "0"];

/** Where the executor's image and the measuring program are in every container. */
export const EXECUTOR = "/executor";
const TOOLS = "/tools";

let podCount = 0;

/** One pod in private mounts whose volumes lie on tmpfs; environment and mounts as a controller of v4.1 makes them. */
export function createBenchPod(parts: BenchParts, secrets: Readonly<Record<string, string>>): BenchPod {
  podCount += 1;
  const name = `pod-${podCount}`;
  const root = join(parts.directory, name);
  const at = (path: string): string => join(root, path);
  for (const directory of ["shared", "inputs", "volume", "tmp", "secret", "account", "state"]) {
    mkdirSync(at(directory), { recursive: true });
  }
  for (const [key, value] of Object.entries(secrets)) writeFileSync(at(`secret/${key}`), value);
  writeFileSync(at("account/token"), parts.apiServer.token);
  writeFileSync(at("account/ca.crt"), parts.apiServer.ca);
  writeFileSync(at("account/namespace"), "bench");

  const mounts = (container: string): SandboxMount[] => [
    { source: at("shared"), target: "/var/run/argo" },
    { source: at("account"), target: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true },
    { source: root, target: "/bench" },
    // By mounts: a container has a /tmp of its own, and the checkout may lie below the machine's.
    { source: parts.executor, target: EXECUTOR, readOnly: true },
    { source: dirname(parts.measure), target: TOOLS, readOnly: true },
    ...(container === "main"
      ? [{ source: at("volume"), target: "/data" }]
      : [
          { source: at("secret"), target: "/argo/secret/s3", readOnly: true },
          { source: at("inputs"), target: "/argo/inputs/artifacts" },
          { source: at("volume"), target: "/mainctrfs/data" },
          { source: at("tmp"), target: "/tmp" },
        ]),
  ];
  let starts = 0;
  const start = (
    container: string,
    argv: readonly string[],
    more: Record<string, string>,
  ): Promise<SandboxProcess> => {
    starts += 1;
    return parts.sandbox.start({
      argv,
      environment: { ...environment(parts, name, container), ...more },
      mounts: mounts(container),
      terminationLog: at(`termination-${starts}`),
      log: at(`log-${starts}`),
      stateDirectory: at(`state/${starts}`),
    });
  };

  const measured = async (
    container: string,
    command: readonly string[],
    more: Readonly<Record<string, string>>,
    lookEveryMs?: number,
  ): Promise<Figures> => {
    const figures = `figures-${container}.json`;
    const log = `log-${starts + 1}`;
    const argv = [join(TOOLS, basename(parts.measure)), `/bench/${figures}`, ...command];
    const running = await start(container, argv, more);
    const looked =
      lookEveryMs === undefined ? undefined : peakAnonymousBytes(running.pid, running.exitCode, lookEveryMs);
    const exitCode = await running.exitCode;
    if (exitCode !== 0) {
      throw new Error(`${container} ended with ${exitCode}: ${readFileSync(at(log), "utf8").slice(-2000)}`);
    }
    const read = JSON.parse(readFileSync(at(figures), "utf8")) as Figures;
    return looked === undefined ? read : { ...read, anonymousBytes: await looked };
  };

  return {
    volume: at("volume"),
    inputs: at("inputs"),
    shared: (path) => at(join("shared", path)),
    start: (container, argv) => start(container, argv, {}),
    runProgram: (argv) => measured("init", argv, {}),
    run: (container, template, { environment = {}, lookEveryMs } = {}) => {
      const command =
        container === "main"
          ? ["/var/run/argo/argoexec", "emissary", ...LOG_FLAGS, "--", "true"]
          : ["argoexec", container, ...LOG_FLAGS];
      const text = JSON.stringify(template);
      if (container === "wait") writeFileSync(at("shared/template"), text);
      const more = container === "init" ? { ARGO_TEMPLATE: text, ...environment } : environment;
      return measured(container, command, more, lookEveryMs);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function environment(parts: BenchParts, name: string, container: string): Record<string, string> {
  return {
    PATH: `${join(EXECUTOR, "bin")}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: "/root",
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(parts.apiServer.port),
    ARGO_POD_NAME: name,
    ARGO_POD_UID: "00000000-0000-4000-8000-000000000001",
    ARGO_WORKFLOW_NAME: "bench",
    ARGO_WORKFLOW_UID: "00000000-0000-4000-8000-000000000002",
    ARGO_CONTAINER_NAME: container,
    ARGO_NODE_ID: name,
    ARGO_INCLUDE_SCRIPT_OUTPUT: "false",
    ARGO_DEADLINE: "0001-01-01T00:00:00Z",
    ARGO_PROGRESS_FILE: "/var/run/argo/progress",
    ARGO_PROGRESS_PATCH_TICK_DURATION: "1m0s",
    ARGO_PROGRESS_FILE_TICK_DURATION: "3s",
  };
}
