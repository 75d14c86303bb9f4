import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "@skein/contract";
import { LabSetupError } from "../errors.ts";
import { machineTree, readMounts } from "./machine.ts";
import { removeTree } from "./remove-tree.ts";
import { planRoot, type RootLayout } from "./root-plan.ts";
import { createSandbox, type Sandbox, type SandboxOptions } from "./sandbox.ts";
import type { UpperLayer } from "./sandbox-script.ts";
import { findSandboxTools } from "./tools.ts";

interface Choice {
  layout: RootLayout;
  upper: UpperLayer;
}

/** Best first: on disk a step may write as much as the disk holds. */
const CHOICES: readonly Choice[] = [
  { layout: "whole", upper: "disk" },
  { layout: "whole", upper: "memory" },
  { layout: "pieces", upper: "disk" },
  { layout: "pieces", upper: "memory" },
];

/** Writes where a step writes, and shows that the write came back. */
const PROBE =
  "echo woven >/tmp/probe && mkdir -p /out && echo woven >/out/probe && cat /tmp/probe /out/probe";

/**
 * Finds out by trying which kind of container this machine allows: kernels, containers around the lab and
 * file systems differ in ways that no flag tells beforehand.
 *
 * @param stateDirectory an existing directory for the lab's working files
 * @throws LabSetupError when a program or a privilege is missing
 */
export async function chooseSandbox(stateDirectory: string, path: string | undefined): Promise<Sandbox> {
  const tools = findSandboxTools(path);
  const machineMounts = readMounts();
  const userNamespace = process.getuid?.() !== 0;
  const failures: string[] = [];
  for (const choice of CHOICES) {
    if (userNamespace && choice.layout === "whole") continue;
    const parts = planRoot(choice.layout, machineMounts, machineTree);
    const hiddenDirectory = stateDirectory;
    const options: SandboxOptions = {
      tools,
      userNamespace,
      ...choice,
      parts,
      machineMounts,
      hiddenDirectory,
    };
    const failure = await probe(options, join(stateDirectory, `probe-${choice.layout}-${choice.upper}`));
    if (failure === undefined) return createSandbox(options);
    failures.push(`${choice.layout} root, writes to ${choice.upper}: ${failure}`);
  }
  throw new LabSetupError(refusal(userNamespace, failures));
}

async function probe(options: SandboxOptions, stateDirectory: string): Promise<string | undefined> {
  const log = `${stateDirectory}.log`;
  const terminationLog = `${stateDirectory}.termination`;
  try {
    const container = await createSandbox(options).start({
      argv: [options.tools.sh, "-c", PROBE],
      environment: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      mounts: [],
      terminationLog,
      log,
      stateDirectory,
    });
    const exitCode = await container.exitCode;
    const output = readFileSync(log, "utf8");
    return exitCode === 0 && output === "woven\nwoven\n"
      ? undefined
      : `exit code ${exitCode}: ${output.trim()}`;
  } catch (error) {
    // What unshare itself complains about is in the log.
    return `${errorMessage(error)} ${readFileSync(log, "utf8")}`.trim();
  } finally {
    for (const left of [stateDirectory, log, terminationLog]) removeTree(left);
  }
}

function refusal(userNamespace: boolean, failures: readonly string[]): string {
  const need = userNamespace
    ? [
        "the lab gives every container private mounts, and this machine does not let an ordinary user make them.",
        "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000,",
        "on Ubuntu 23.10 or newer also kernel.apparmor_restrict_unprivileged_userns=0), or run as root.",
      ]
    : [
        "the lab gives every container private mounts, and root may not make them here.",
        "In a container, give it the capability SYS_ADMIN (docker run --privileged).",
      ];
  return [...need, "What was tried:", ...failures.map((failure) => `  ${failure}`)].join("\n");
}
