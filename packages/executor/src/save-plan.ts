import { basename } from "node:path";
import type { SaveSource } from "@skein/artifacts";
import {
  type Artifact,
  type ArtifactLocation,
  archiveStrategy,
  getKey,
  hasKey,
  hasLocation,
  joinPath,
  keyOnlyLocation,
  locationType,
  relocate,
  type Template,
} from "@skein/contract";
import type { OutputPlace } from "./output-place.ts";

export interface SavePlan {
  /** With the full location and the key a driver needs. */
  artifact: Artifact;
  /** What the task result will say: as declared, with the key that was chosen. */
  reported: Artifact;
  source: SaveSource;
}

/** What the front said is in the archive it packed. */
export type PackedContents = NonNullable<Extract<SaveSource, { kind: "packed" }>["contents"]>;

/** Where what has been saved under the archive's key lies: the key in the template's repository, and no more. */
export function locateOutput(
  declared: Artifact,
  archiveLocation: ArtifactLocation | undefined,
  uploadName: string,
): { artifact: Artifact; reported: Artifact } {
  const reported =
    hasKey(declared) || isKeyless(declared)
      ? declared
      : withRepositoryKey(declared, archiveLocation, uploadName);
  return { artifact: relocate(reported, archiveLocation), reported };
}

/**
 * Decides how an output that exists is packed, where it goes and what is reported (contract §11.3–11.4). Pure.
 *
 * @param output the artifact's path, cleaned, where that is found, and what is in it if the front packed it
 * @throws ArtifactError with upstream's texts when there is no repository to take it
 */
export function planSave(
  declared: Artifact,
  template: Template,
  output: { path: string; place: OutputPlace; contents?: PackedContents | undefined },
): SavePlan {
  const { path, place, contents } = output;
  const archived = place.baseImage ? withBaseImageStrategy(declared) : declared;
  const uploadName = uploadNameOf(archived, path);
  const { artifact, reported } = locateOutput(declared, template.archiveLocation, uploadName);
  return {
    artifact: archived.archive ? { ...artifact, archive: archived.archive } : artifact,
    reported,
    source: place.baseImage
      ? { kind: "packed", tgz: place.path, basename: basename(path), ...(contents && { contents }) }
      : { kind: "path", path: place.path },
  };
}

/** `archive: {}` of a path in the image: not a tar, so upstream unpacks it and uploads it as `none` [compat 13]. */
function withBaseImageStrategy(artifact: Artifact): Artifact {
  const { archive } = artifact;
  const isEmptyObject = archive && !archive.none && !archive.tar && !archive.zip;
  return isEmptyObject ? { ...artifact, archive: { none: {} } } : artifact;
}

function uploadNameOf(artifact: Artifact, path: string): string {
  switch (archiveStrategy(artifact.archive).type) {
    case "none":
      return basename(path);
    case "zip":
      return `${artifact.name}.zip`;
    default:
      return `${artifact.name}.tgz`;
  }
}

/** git and raw have no key by nature; the driver says that it cannot save there. */
function isKeyless(artifact: Artifact): boolean {
  const type = locationType(artifact);
  return (type === "git" || type === "raw") && hasLocation(artifact);
}

function withRepositoryKey(
  declared: Artifact,
  archiveLocation: ArtifactLocation | undefined,
  uploadName: string,
): Artifact {
  const key = joinPath(archiveLocation ? getKey(archiveLocation) : "", uploadName);
  const location = keyOnlyLocation(archiveLocation, key);
  const reported: Artifact = { ...declared };
  // A location without a key, half given, would otherwise stand beside the chosen one.
  for (let type = locationType(reported); type; type = locationType(reported)) delete reported[type];
  return { ...reported, ...location };
}
