/** An architecture that images are built for, by the names that those who must be asked have for it. */
export interface Architecture {
  /** Go's, Debian's and OCI's. */
  go: "amd64" | "arm64";
  /** npm's and Node.js's. */
  npm: "x64" | "arm64";
  /** GNU's: of directories, and of qemu's programs. */
  gnu: "x86_64" | "aarch64";
}

export const ARCHITECTURES: readonly Architecture[] = [
  { go: "amd64", npm: "x64", gnu: "x86_64" },
  { go: "arm64", npm: "arm64", gnu: "aarch64" },
];

/** The one that this machine has. */
export function ownArchitecture(): Architecture {
  return findArchitecture(process.arch);
}

/**
 * @param name anybody's: `amd64`, `x64`, `aarch64`, `linux/arm64`
 * @throws RangeError for another
 */
export function findArchitecture(name: string): Architecture {
  const bare = name.replace(/^linux\//, "");
  const found = ARCHITECTURES.find(({ go, npm, gnu }) => [go, npm, gnu].some((each) => each === bare));
  if (found === undefined) throw new RangeError(`${name}: images are built for linux/amd64 and linux/arm64`);
  return found;
}

/** `dist/argoexec`, or `dist/argoexec-arm64` for another machine than this. */
export function treeName(architecture: Architecture): string {
  return architecture === ownArchitecture() ? "argoexec" : `argoexec-${architecture.go}`;
}
