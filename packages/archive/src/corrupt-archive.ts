import { ArtifactError } from "@skein/contract";

/** An archive that cannot be what its writer meant. Whatever was unpacked of it must be discarded. */
export function corruptArchive(message: string, cause?: unknown): ArtifactError {
  return new ArtifactError(message, {
    code: "archive.corrupt",
    remedy: "The stored archive is damaged or was cut off; run the step that saved it again.",
    cause,
  });
}
