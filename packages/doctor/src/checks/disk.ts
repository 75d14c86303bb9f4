import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { type Check, fail, ok, RUN_IN_A_POD, skip, warn } from "../check.ts";

const GIB = 2 ** 30;
/** With less, a step with artifacts of ordinary size will run into it. */
const LITTLE_BYTES = GIB;
/** With less, even logs and exit codes do not fit. */
const NONE_BYTES = 64 * 2 ** 20;
const FEW_FILES = 10_000;

interface Room {
  path: string;
  freeBytes: number;
  /** Undefined where the file system does not count them. */
  freeFiles: number | undefined;
  isWritable: boolean;
}

/** Room, and the right to write, where executors put things. */
export const disk: Check = {
  id: "disk",
  title: "disk room",
  needs: ["settings"],
  stuck: { say: "a volume of this pod does not answer (NFS?): look at its mounts and at the node" },
  async run({ inPod, paths, settings }) {
    if (!inPod) return skip(RUN_IN_A_POD);
    const wanted = [paths.shared, paths.inputArtifacts, paths.mainContainerRoot, settings().stagingDirectory];
    const rooms = (await Promise.all(wanted.map(look))).filter((room) => room !== undefined);
    if (rooms.length === 0)
      return skip(`none of ${wanted.join(", ")} is there: this is no pod of a workflow`);
    const evidence = describe(rooms);
    const refused = rooms.find(({ path, isWritable }) => !isWritable && path !== paths.mainContainerRoot);
    if (refused) {
      const isStaging = refused.path === settings().stagingDirectory;
      return fail(
        `${refused.path} cannot be written; ${evidence}`,
        isStaging
          ? `mount an emptyDir at ${refused.path} (docs/install.md, A read-only root file system)`
          : "let the executor's user write there: securityContext.fsGroup of the pod, or runAsUser of the executor",
      );
    }
    const least = rooms.reduce((a, b) => (b.freeBytes < a.freeBytes ? b : a));
    const more = `make room at ${least.path}: a larger sizeLimit or ephemeral-storage request for the pod, or a cleaner node (kubectl describe node shows DiskPressure)`;
    if (least.freeBytes < NONE_BYTES) return fail(evidence, more);
    if (least.freeBytes < LITTLE_BYTES) return warn(evidence, more);
    const crowded = rooms.find(({ freeFiles = Number.POSITIVE_INFINITY }) => freeFiles < FEW_FILES);
    if (crowded) {
      return warn(
        `${evidence}; ${crowded.path} has ${crowded.freeFiles} inodes left`,
        "clean up the node, or load archives with fewer files",
      );
    }
    return ok(evidence);
  },
};

async function look(path: string): Promise<Room | undefined> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(path);
    const isWritable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { path, freeBytes: bavail * bsize, freeFiles: files > 0 ? ffree : undefined, isWritable };
  } catch {
    return undefined; // a container has only those of the paths that it needs
  }
}

/** Paths with the same room, as those of one file system have, stand together. */
function describe(rooms: readonly Room[]): string {
  return [...Map.groupBy(rooms, ({ freeBytes }) => formatBytes(freeBytes))]
    .map(([room, same]) => `${room} free at ${same.map(({ path }) => path).join(", ")}`)
    .join("; ");
}

function formatBytes(bytes: number): string {
  return bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}
