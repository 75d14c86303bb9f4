import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";

/** Where Debian, Alpine and Fedora have it. */
const LIBRARIES = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].map(
  (directory) => join(directory, "libnss_wrapper.so"),
);

/**
 * ssh refuses to work for a uid that no line of /etc/passwd names, and pods run as any uid. With nss_wrapper
 * (https://cwrap.org/nss_wrapper.html) it reads a line of ours instead. Where there is no such library, ssh says what it
 * wants, and our error what to do.
 *
 * @param directory private; where the two files are put
 * @returns environment for ssh; empty for a user who has a name
 */
export async function nameUser(
  directory: string,
  library = LIBRARIES.find((path) => existsSync(path)),
): Promise<Record<string, string>> {
  if (hasName() || library === undefined) return {};
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const passwd = join(directory, "passwd");
  const group = join(directory, "group");
  await writeFile(passwd, `skein:x:${uid}:${gid}::${directory}:/bin/sh\n`);
  await writeFile(group, `skein:x:${gid}:\n`);
  return { LD_PRELOAD: library, NSS_WRAPPER_PASSWD: passwd, NSS_WRAPPER_GROUP: group };
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}
