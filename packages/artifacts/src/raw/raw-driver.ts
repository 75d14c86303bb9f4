import { ArtifactError, type RawLocation } from "@skein/contract";
import type { ArtifactDriver } from "../driver.ts";

/** An artifact whose content stands in the template. It can only be loaded. */
export function createRawDriver(at: RawLocation): ArtifactDriver {
  const bytes = Buffer.from(at.data ?? "");
  const refuse = async (): Promise<never> => {
    throw new ArtifactError("Raw output artifacts unsupported", { code: "artifact.unsupported_operation" });
  };
  return {
    name: "raw",
    attributes: {},
    async open(transfer) {
      return {
        kind: "stream",
        sizeBytes: bytes.byteLength,
        stream: (async function* () {
          transfer.tally.bytes += bytes.byteLength;
          if (bytes.byteLength > 0) yield bytes;
        })(),
      };
    },
    saveStream: refuse,
    saveDirectory: refuse,
  };
}
