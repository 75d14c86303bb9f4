import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { type Check, fail, ok, RUN_IN_A_POD, skip } from "../check.ts";

/** Who the executor runs as, and whether that user may read what the pod was given. */
export const user: Check = {
  id: "user",
  title: "user and umask",
  stuck: { say: "a volume of this pod does not answer: look at its mounts and at the node" },
  async run({ inPod, env, paths, umask }) {
    if (!inPod) return skip(RUN_IN_A_POD);
    const groups = process.getgroups?.() ?? [];
    const evidence = `uid ${process.getuid?.()}, gid ${process.getgid?.()}, groups ${groups.join(" ") || "none"}, umask ${umask.toString(8).padStart(4, "0")} (executors set 0000)`;
    const files = [join(paths.serviceAccount, "token"), env.AWS_WEB_IDENTITY_TOKEN_FILE, env.SSL_CERT_FILE];
    const unreadable: string[] = [];
    for (const file of files) if (file && (await isUnreadable(file))) unreadable.push(file);
    if (unreadable.length === 0) return ok(evidence);
    return fail(
      `${evidence}; cannot read ${unreadable.join(", ")}`,
      "give the pod a group that owns its projected volumes, in the workflow's spec (or in workflowDefaults)",
      ["securityContext:", `  fsGroup: ${process.getgid?.() || 8737}`],
    );
  },
};

async function isUnreadable(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return false;
  } catch (error) {
    // A file that is not there is the business of whoever needs it.
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}
