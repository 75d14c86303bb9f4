import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SandboxMount } from "@skein/lab/testing";
import type { Cluster } from "../../support/pods/cluster.ts";
import type { ContainerEnd } from "../../support/pods/pod-request.ts";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

let commandCount = 0;

/** Runs one command in a container of the executor's image, with nothing of a pod around it. */
export async function runCommand(
  cluster: Cluster,
  argv: readonly string[],
  options: { environment?: Readonly<Record<string, string>>; mounts?: readonly SandboxMount[] } = {},
): Promise<ContainerEnd> {
  commandCount += 1;
  const directory = join(cluster.directory, `command-${commandCount}`);
  mkdirSync(directory);
  const log = join(directory, "log");
  const terminationLog = join(directory, "termination");
  const process = await cluster.sandbox.start({
    argv,
    environment: { PATH: `/argoexec/bin:${SYSTEM_PATH}`, HOME: "/tmp", ...options.environment },
    mounts: [{ source: cluster.executor, target: "/argoexec", readOnly: true }, ...(options.mounts ?? [])],
    terminationLog,
    log,
    stateDirectory: join(directory, "state"),
    ...(cluster.securityContext ? { securityContext: cluster.securityContext } : {}),
  });
  const exitCode = await process.exitCode;
  return {
    exitCode,
    log: readFileSync(log, "utf8"),
    terminationMessage: readFileSync(terminationLog, "utf8"),
  };
}
