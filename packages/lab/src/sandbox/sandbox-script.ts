import { type Mount, mountOf } from "./mountinfo.ts";
import type { RootLayout, RootPart } from "./root-plan.ts";

/** Absolute paths of the programs that a container is put together with. */
export interface SandboxTools {
  sh: string;
  unshare: string;
  mount: string;
  umount: string;
  pivotRoot: string;
  rmdir: string;
  cp: string;
  /** Only needed for a securityContext. */
  setpriv?: string;
  /** Words before a command that is to end with its parent, see `leash`; none where that cannot be had. */
  leash: readonly string[];
}

/** `disk`: what a container writes goes to the output directory. `memory`: to a tmpfs, where the disk cannot serve as an upper layer. */
export type UpperLayer = "disk" | "memory";

export interface ScriptMount {
  source: string;
  /** Symbolic links already resolved. */
  target: string;
  readOnly: boolean;
}

export interface ScriptPlan {
  tools: SandboxTools;
  layout: RootLayout;
  upper: UpperLayer;
  parts: readonly RootPart[];
  /** The mounts of the machine, for the flags a read-only remount must keep. */
  machineMounts: readonly Mount[];
  /** As `prepareState` leaves it: `root`, `layers/<index of part>/{u,w}`, `memory`, `dev` and `tmp`. */
  stateDirectory: string;
  /** Covered by an empty directory in the container: the lab's own working files. */
  hiddenDirectory: string;
  mounts: readonly ScriptMount[];
  terminationLog: string;
  workingDirectory: string;
  securityContext?: { runAsUser: number; readOnlyRootFilesystem: boolean };
}

/** Where the machine's own root is seen while the container is put together. */
export const OLD_ROOT = "/.skein-machine";

/** The devices every container runtime provides. */
export const DEVICE_NODES: readonly string[] = ["null", "zero", "full", "random", "urandom", "tty"];

/** Kept by the kernel for an unprivileged user: a remount without them is refused. */
const LOCKED_FLAGS = new Set(["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"]);

/**
 * The program that turns a fresh mount namespace into a container and becomes its command (`"$@"`), so that process
 * id and signals are the command's own. Descriptor 3 gets `pid N` (as the machine numbers it), then complaints,
 * then `ready`: without that last word the command was never started.
 */
export function sandboxScript(plan: ScriptPlan): string {
  const { tools, stateDirectory } = plan;
  return [
    "set -e",
    'read -r pid rest </proc/self/stat; echo "pid $pid" >&3',
    "exec 4>&2 2>&3",
    `cd ${quote(stateDirectory)}`,
    ...rootLines(plan),
    ...deviceLines(plan),
    "cd root",
    `${tools.pivotRoot} . ${OLD_ROOT.slice(1)}`,
    "cd /",
    // Only a process table that shows everything may be mounted anew; in a container that hides parts of it, share.
    `${tools.mount} -t proc proc /proc 2>/dev/null || ${tools.mount} --rbind ${OLD_ROOT}/proc /proc`,
    ...plan.mounts.flatMap((mount) => bindLines(plan, mount)),
    `if [ -d ${quote(plan.hiddenDirectory)} ]; then ${tools.mount} -t tmpfs -o size=4k,ro hidden ${quote(plan.hiddenDirectory)}; fi`,
    `${tools.umount} -l ${OLD_ROOT}`,
    `${tools.rmdir} ${OLD_ROOT}`,
    ...lockLines(plan),
    `cd ${quote(plan.workingDirectory)}`,
    "unset OLDPWD pid rest",
    "echo ready >&3",
    "exec 2>&4 3>&- 4>&-",
    `exec ${privilegeWords(plan)}"$@"`,
    "",
  ].join("\n");
}

function rootLines(plan: ScriptPlan): string[] {
  const { tools, upper, layout, parts } = plan;
  const layers = upper === "disk" ? "layers" : "memory";
  const lines =
    upper === "disk" ? [] : [`${tools.mount} -t tmpfs tmpfs memory`, `${tools.cp} -a layers/. memory/`];
  if (layout === "pieces") lines.push(`${tools.mount} --bind root root`);
  for (const [index, part] of parts.entries()) {
    const target = quote(part.path === "/" ? "root" : `root${part.path}`);
    const layer = `upperdir=${layers}/${index}/u,workdir=${layers}/${index}/w`;
    const extra = layout === "pieces" ? ",userxattr" : "";
    if (part.kind === "overlay") {
      const overlay = `${tools.mount} -t overlay -o ${quote(`lowerdir=${escapeLower(part.path)},${layer}${extra}`)} overlay ${target}`;
      // Without the whole root there is no container; a single further mount may be one that cannot be a layer.
      lines.push(
        part.path === "/" ? overlay : `${overlay} 2>/dev/null || ${readOnlyView(plan, part.path, target)}`,
      );
    } else if (part.kind === "file") {
      lines.push(readOnlyView(plan, part.path, target));
    }
  }
  return lines;
}

/** The machine's own directory or file, not to be written; left out rather than left writable. */
function readOnlyView(plan: ScriptPlan, source: string, target: string): string {
  const { mount, umount } = plan.tools;
  const remount = `${mount} -o ${remountOptions(plan, source)} ${target} 2>/dev/null || ${umount} -l ${target}`;
  return `if ${mount} --rbind ${quote(source)} ${target} 2>/dev/null; then ${remount}; fi`;
}

function deviceLines({ tools, terminationLog }: ScriptPlan): string[] {
  const { mount } = tools;
  return [
    `${mount} --rbind /sys root/sys`,
    `${mount} --bind dev root/dev`,
    `for node in ${DEVICE_NODES.join(" ")}; do ${mount} --bind /dev/$node root/dev/$node; done`,
    `${mount} --bind ${quote(terminationLog)} root/dev/termination-log`,
    `${mount} -t tmpfs -o mode=1777,size=64m shm root/dev/shm`,
    `${mount} -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts`,
    `${mount} --bind tmp root/tmp`,
  ];
}

function bindLines(plan: ScriptPlan, { source, target, readOnly }: ScriptMount): string[] {
  const { mount } = plan.tools;
  const bind = `${mount} --bind ${quote(OLD_ROOT + source)} ${quote(target)}`;
  return readOnly ? [bind, `${mount} -o ${remountOptions(plan, source)} ${quote(target)}`] : [bind];
}

function lockLines({ tools, mounts, securityContext }: ScriptPlan): string[] {
  if (!securityContext?.readOnlyRootFilesystem) return [];
  const own = mounts.some(({ target }) => target === "/tmp") ? [] : ["/tmp"];
  return [...own, "/"].map((path) => `${tools.mount} -o remount,bind,ro ${path}`);
}

/** What turns root into an ordinary user on the way to the command. */
function privilegeWords({ tools, securityContext }: ScriptPlan): string {
  if (!securityContext) return "";
  if (!tools.setpriv) throw new Error("a securityContext needs the program setpriv (package util-linux)");
  const { runAsUser } = securityContext;
  const ids = `--reuid=${runAsUser} --regid=${runAsUser} --clear-groups`;
  // The kernel forgets the leash of a process that becomes another user.
  const leash = tools.leash.slice(1).map((word) => `${word} `);
  return `${tools.setpriv} ${leash.join("")}${ids} --bounding-set=-all --inh-caps=-all --no-new-privs `;
}

function remountOptions({ machineMounts }: ScriptPlan, source: string): string {
  const kept = mountOf(machineMounts, source)?.options.filter((option) => LOCKED_FLAGS.has(option)) ?? [];
  return ["remount", "bind", "ro", ...kept].join(",");
}

/** A lower directory's name ends at a colon and an option at a comma. */
function escapeLower(path: string): string {
  return path.replace(/[\\:,]/g, "\\$&");
}

/** A word of the POSIX shell that means exactly `text`. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
