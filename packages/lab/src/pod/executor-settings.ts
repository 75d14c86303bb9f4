import type { Environment } from "@skein/contract";

/** `init`: an init container and `wait`. `initless`: `supervisor` alone, and the executor's image as a volume (contract §9). */
export type PodLayout = "init" | "initless";

/** What is the same for every pod of a run. */
export interface ExecutorSettings {
  layout: PodLayout;
  /** The tree an image carries below `/` (`dist/argoexec`). */
  executorDirectory: string;
  /** Base URL of the trace sink. */
  traceEndpoint: string;
  /** File with the configuration of the task-result API. */
  kubeconfig: string;
  /** The service account's directory: `namespace` and `token`. */
  serviceAccount: string;
  /** PATH of the user's containers: the machine's programs stand for the image's. */
  userPath: string;
  /** What the controller's `executor.env` would hold. */
  executorEnvironment: Readonly<Record<string, string>>;
}

const STANDARD_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Where the executor's tree is seen in the executor's containers. */
export const EXECUTOR_ROOT = "/argoexec";

export const EXECUTOR_PATH = [`${EXECUTOR_ROOT}/bin`, ...STANDARD_PATH].join(":");

/** The caller's PATH without what no container has: relative directories and those below a private `/tmp`. */
export function userPathOf(path: string | undefined): string {
  const own = (path ?? "").split(":").filter((directory) => /^\/(?!tmp(\/|$))/.test(directory));
  return [...new Set([...own, ...STANDARD_PATH])].join(":");
}

/** Facts about the machine's network that an executor needs as much as the lab does, and the level of tracing. */
const PASSED_ON = [
  "SKEIN_TRACE",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
];

export function executorEnvironmentOf(env: Environment): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
