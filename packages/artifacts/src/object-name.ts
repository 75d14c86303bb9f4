import { isUtf8 } from "node:buffer";
import type { RawName } from "@skein/archive";
import { ArtifactError } from "@skein/contract";

const BEYOND_ASCII = /[\u0080-\uffff]/;

/**
 * A name on the disk, or in an archive, as part of an object's key. Keys are UTF-8; names are whatever bytes somebody chose. Put
 * into a key with its odd bytes replaced, a file would come back under another name, or overwrite a second one.
 *
 * @throws ArtifactError `archive.unsupported_entry`
 */
export function objectName(name: RawName): string {
  if (!BEYOND_ASCII.test(name)) return name;
  const bytes = Buffer.from(name, "latin1");
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw new ArtifactError(
    `cannot save ${escapedName(name)} as an object of its own: its name is not UTF-8, and an object's key has to be`,
    {
      code: "archive.unsupported_entry",
      remedy:
        "save it with the archive strategy tar, the default, which keeps names as they are, or rename it",
    },
  );
}

/** For people: in quotes, with every byte that is no printable ASCII as `\\xNN`. */
export function escapedName(name: RawName): string {
  const escaped = name.replace(/[^ -~]|["\\]/g, (byte) =>
    byte === '"' || byte === "\\" ? `\\${byte}` : `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
