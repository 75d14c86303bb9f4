import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * The files of the directories that `SSL_CERT_DIR` names, separated by colons, as Go and so upstream's executor take
 * them: every file, whatever it is called (https://go.dev/src/crypto/x509/root_unix.go). OpenSSL and git look only for
 * names that are hashes, which a mounted Secret or ConfigMap does not have. Links within a directory are other names of
 * what is in it anyway. A directory that cannot be read counts as empty.
 */
export function certificateFiles(directories: string | undefined): string[] {
  return (directories ?? "").split(":").flatMap((directory) => (directory === "" ? [] : filesIn(directory)));
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => ({ path: join(directory, entry.name), isLink: entry.isSymbolicLink() }))
      .filter(({ path, isLink }) => !isLink || readlinkSync(path).includes("/"))
      .map(({ path }) => path)
      .sort();
  } catch {
    return [];
  }
}
