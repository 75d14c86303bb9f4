import {
  type Artifact,
  ArtifactError,
  cleanArtifactPath,
  driverType,
  errorMessage,
  findVolumeMount,
  hasKey,
  hasLocation,
  isWithin,
  joinPath,
  type Paths,
  relocate,
  type Template,
  templateVolumeMounts,
} from "@skein/contract";

/** What is to be done for one input artifact. */
export type LoadPlan =
  | {
      action: "load";
      name: string;
      /** With the full location a driver needs. */
      artifact: Artifact;
      /** Where it goes, in this container's file system. */
      target: string;
      /** The place is the executor's own: what an earlier run left there is replaced. */
      replace: boolean;
      /** The mirror of the user volume it lies in. Links of an earlier step must not lead out of it. */
      volume?: string;
    }
  | { action: "skip"; name: string; reason: string };

/**
 * Decides for every input artifact, before anything is moved, where it comes from and where it goes (contract §6
 * steps 2–7). Pure.
 *
 * @throws ArtifactError for the first artifact, in the order of declaration, that cannot be loaded as it is declared
 */
export function planLoads(
  template: Template,
  paths: Pick<Paths, "inputArtifacts" | "mainContainerRoot">,
): LoadPlan[] {
  return (template.inputs?.artifacts ?? []).map((artifact) => planLoad(artifact, template, paths));
}

function planLoad(
  artifact: Artifact,
  template: Template,
  paths: Pick<Paths, "inputArtifacts" | "mainContainerRoot">,
): LoadPlan {
  const { name } = artifact;
  if (!hasLocation(artifact) && !hasKey(artifact)) {
    if (artifact.optional) return { action: "skip", name, reason: "optional and not supplied" };
    throw new ArtifactError(`required artifact '${name}' not supplied`, { code: "artifact.not_supplied" });
  }
  const path = cleanArtifactPath(artifact);
  const located = locate(artifact, template);
  if (driverType(located) === undefined) {
    throw new ArtifactError(`Unsupported artifact driver for ${name}`, {
      code: "artifact.unsupported_driver",
    });
  }
  return { action: "load", name, artifact: located, ...loadTarget(name, path, template, paths) };
}

function locate(artifact: Artifact, template: Template): Artifact {
  try {
    return relocate(artifact, template.archiveLocation);
  } catch (error) {
    throw new ArtifactError(`failed to load artifact '${artifact.name}': ${errorMessage(error)}`, {
      code: "artifact.no_location",
      cause: error,
      remedy: "configure an artifact repository, or give the artifact a full location",
    });
  }
}

/** A path in a user volume is reached through its mirror; any other is mounted into main by the artifact's name. */
function loadTarget(
  name: string,
  path: string,
  template: Template,
  paths: Pick<Paths, "inputArtifacts" | "mainContainerRoot">,
): { target: string; replace: boolean; volume?: string } {
  const mount = findVolumeMount(templateVolumeMounts(template), path);
  if (mount) {
    const volume = joinPath(paths.mainContainerRoot, mount.mountPath);
    const target = joinPath(paths.mainContainerRoot, path);
    if (target === volume) {
      // An artifact appears by a rename, and nothing can be renamed over a mount (contract §22.37).
      throw new ArtifactError(
        `artifact ${name} failed to load: the volume '${mount.name}' is mounted at its path ${path}`,
        { code: "artifact.invalid_path", remedy: `give it a path in the volume, such as ${path}/${name}` },
      );
    }
    return { target, replace: false, volume };
  }
  const target = joinPath(paths.inputArtifacts, name);
  if (target === paths.inputArtifacts || !isWithin(target, paths.inputArtifacts)) {
    throw new ArtifactError(`artifact name '${name}' cannot be used as a file name`, {
      code: "artifact.invalid_path",
    });
  }
  return { target, replace: true };
}
