import { ArtifactError, cleanPath } from "@skein/contract";

/** What all objects of a directory artifact begin with: the cleaned key and a slash (contract §12.1). */
export function directoryPrefix(key: string): string {
  return key === "" || key === "/" ? "" : `${cleanPath(key)}/`;
}

/**
 * Where an object of a directory artifact goes, relative to the artifact. Whoever may write to the bucket chooses
 * the keys, so a key must not be able to say anything but a place below.
 *
 * `a//b` and `a/./b` are `a/b`, as upstream has it.
 *
 * @throws ArtifactError `s3.key_escape`
 */
export function relativeKeyPath(key: string, prefix: string): string {
  const rest = key.startsWith(prefix) ? key.slice(prefix.length) : key;
  const refuse = (why: string): never => {
    throw new ArtifactError(`the key ${JSON.stringify(key)} ${why}`, {
      code: "s3.key_escape",
      remedy: "rename or delete the object; nothing was written outside the artifact",
    });
  };
  if (!key.startsWith(prefix)) refuse(`is not below ${JSON.stringify(prefix)}`);
  if (rest.includes("\0")) refuse("holds a NUL character");
  if (rest.startsWith("/")) refuse("would be an absolute path");
  const segments = rest.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) refuse("leads out of its directory");
  return segments.join("/");
}
