import { readFile } from "node:fs/promises";

/**
 * How many host keys a file of known hosts has (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Comments and `@` markers that take
 * trust away do not count.
 *
 * @throws the file system's error when it cannot be read
 */
export async function keysOfHosts(path: string): Promise<number> {
  const lines = (await readFile(path, "utf8")).split("\n").map((line) => line.trim());
  return lines.filter((line) => /^(?!#|@revoked\b)(@cert-authority\s+)?\S+\s+\S+\s+\S/.test(line)).length;
}
