import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Backing, makeMountPoint, resolveTarget } from "./mount-targets.ts";
import type { Mount } from "./mountinfo.ts";
import { prepareState } from "./prepare-state.ts";
import type { RootLayout, RootPart } from "./root-plan.ts";
import { type SandboxProcess, startProcess } from "./sandbox-process.ts";
import { type SandboxTools, type ScriptMount, sandboxScript, type UpperLayer } from "./sandbox-script.ts";

export interface SandboxMount {
  /** File or directory of the machine. */
  source: string;
  /** Path in the container. */
  target: string;
  readOnly?: boolean;
}

export interface ContainerSpec {
  argv: readonly string[];
  /** The whole environment; nothing of the lab's own gets in. */
  environment: Readonly<Record<string, string>>;
  mounts: readonly SandboxMount[];
  /** Default `/`. Made when it does not exist, as a container runtime does. */
  workingDirectory?: string;
  /** File of the machine that is `/dev/termination-log` in the container. Made when it does not exist. */
  terminationLog: string;
  /** File that gets stdout and stderr. */
  log: string;
  /** An own directory, not existing yet, for what the container writes outside its mounts. */
  stateDirectory: string;
  /** Default: as the one who starts it, may write everywhere, has all capabilities that one has. */
  securityContext?: SecurityContext;
}

/** The fields of Kubernetes' securityContext that make a container a locked one. Only root can give them. */
export interface SecurityContext {
  /** User and group id; without capabilities, and unable to get any. */
  runAsUser: number;
  /** Outside its mounts nothing can be written, `/tmp` included. */
  readOnlyRootFilesystem: boolean;
}

export interface SandboxOptions {
  tools: SandboxTools;
  /** Start in a user namespace of its own, as an unprivileged user must. */
  userNamespace: boolean;
  layout: RootLayout;
  upper: UpperLayer;
  parts: readonly RootPart[];
  machineMounts: readonly Mount[];
  /** Looks empty in every container. */
  hiddenDirectory: string;
}

export interface Sandbox {
  readonly options: SandboxOptions;
  /** Resolves when the command has been started; fails when the container could not be put together. */
  start(spec: ContainerSpec): Promise<SandboxProcess>;
}

/** Starts commands in containers made of mounts: same kernel, same network, own files, own process ids. */
export function createSandbox(options: SandboxOptions): Sandbox {
  return {
    options,
    start: async (spec) => {
      const script = writeScript(options, spec);
      const log = openSync(spec.log, "a", 0o644);
      try {
        return await startProcess({
          argv: [...unshareCommand(options), script, ...spec.argv],
          environment: spec.environment,
          log,
          name: spec.argv[0] ?? "",
        });
      } finally {
        closeSync(log);
      }
    },
  };
}

/**
 * The parent of process 1: waits for it and ends with its code, or 128+n. `unshare --fork` would do the same but
 * reports a killed child as failure number 1. It keeps quiet, for its stderr is the container's log.
 */
const PARENT = 'exec 5>&2 2>/dev/null; "$0" "$@" 2>&5 5>&-; exit $?';

function unshareCommand({ tools, userNamespace }: SandboxOptions): string[] {
  const user = userNamespace ? ["--user", "--map-root-user"] : [];
  // Both of them, for the parent's end is not that of process 1.
  const parent = [...tools.leash, tools.unshare, ...user, "--mount", "--pid", "--", tools.sh, "-c", PARENT];
  return [...parent, ...tools.leash, tools.sh];
}

function writeScript(options: SandboxOptions, spec: ContainerSpec): string {
  const { stateDirectory } = spec;
  mkdirSync(stateDirectory, { recursive: true });
  touch(spec.terminationLog);
  const backings = prepareState(stateDirectory, options.parts);
  const mounts = prepareMounts(backings, spec.mounts);
  const workingDirectory = resolveTarget(
    spec.workingDirectory ?? "/",
    mounts.map((mount) => mount.target),
  );
  if (workingDirectory !== "/") makeMountPoint(withMounts(backings, mounts), workingDirectory, "directory");
  const script = join(stateDirectory, `start-${randomBytes(4).toString("hex")}.sh`);
  writeFileSync(
    script,
    sandboxScript({
      ...options,
      stateDirectory,
      mounts,
      terminationLog: spec.terminationLog,
      workingDirectory,
      ...(spec.securityContext ? { securityContext: spec.securityContext } : {}),
    }),
  );
  return script;
}

/** Parents before children, each with something to be mounted on. */
function prepareMounts(backings: readonly Backing[], wanted: readonly SandboxMount[]): ScriptMount[] {
  const ready: ScriptMount[] = [];
  for (const mount of wanted.toSorted((a, b) => a.target.length - b.target.length)) {
    const own = ready.map((earlier) => earlier.target);
    const target = resolveTarget(mount.target, own);
    const kind = statSync(mount.source).isDirectory() ? "directory" : "file";
    if (!target.startsWith("/dev/")) makeMountPoint(withMounts(backings, ready), target, kind);
    ready.push({ source: mount.source, target, readOnly: mount.readOnly ?? false });
  }
  return ready;
}

function withMounts(backings: readonly Backing[], mounts: readonly ScriptMount[]): Backing[] {
  const directories = mounts.filter((mount) => statSync(mount.source).isDirectory());
  return [...backings, ...directories.map(({ target, source }) => ({ path: target, directory: source }))];
}

function touch(file: string): void {
  closeSync(openSync(file, "a", 0o666));
  chmodSync(file, 0o666); // whatever the umask says: the executor may run as another user than the lab
}
