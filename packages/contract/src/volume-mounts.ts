import { hasKey, hasLocation } from "./artifact-location.ts";
import { cleanPath, isWithin } from "./clean-path.ts";
import type { Artifact, Template, VolumeMount } from "./template.ts";
import { templateVolumeMounts } from "./template-parts.ts";

/** The mount a path lies in, the deepest first; by components, so `/data2` is not in `/data`. */
export function findVolumeMount(mounts: readonly VolumeMount[], path: string): VolumeMount | undefined {
  const cleaned = cleanPath(path);
  return mounts
    .toSorted((a, b) => b.mountPath.length - a.mountPath.length)
    .find((mount) => isWithin(cleaned, cleanPath(mount.mountPath)));
}

/**
 * Whether an output path lies in the root file system of the user's image, which the front has to pack,
 * rather than in a volume the wait container also sees (contract §11.2).
 */
export function isBaseImagePath(template: Template, path: string, options: { initless: boolean }): boolean {
  if (findVolumeMount(templateVolumeMounts(template), path)) return false;
  if (options.initless) return true;
  const cleaned = cleanPath(path);
  return !(template.inputs?.artifacts ?? []).some((input) => isMountedInput(input, cleaned));
}

function isMountedInput(input: Artifact, path: string): boolean {
  if (!input.path) return false;
  // Nothing is mounted where nothing was supplied. Below such a path upstream looks in a mount all the same, and fails.
  const unsupplied = input.optional === true && !hasLocation(input) && !hasKey(input);
  return !unsupplied && isWithin(path, cleanPath(input.path));
}
