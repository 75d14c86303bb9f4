import { cleanPath, isBaseImagePath, joinPath, type Paths, type Template } from "@skein/contract";

/**
 * Where the wait container finds an output of main: in the mirror of a volume, or among what the front copied and
 * packed out of the root file system (contract §11.2).
 */
export interface OutputPlace {
  baseImage: boolean;
  path: string;
  /** What `path` must not lead out of. */
  root: string;
}

type PlacePaths = Pick<Paths, "mainContainerRoot" | "outputParameters" | "outputArtifacts">;

interface PlaceOptions {
  paths: PlacePaths;
  initless: boolean;
}

export function parameterPlace(template: Template, path: string, options: PlaceOptions): OutputPlace {
  const { paths } = options;
  return place(template, path, options, joinPath(paths.outputParameters, path), paths.outputParameters);
}

export function artifactPlace(template: Template, path: string, options: PlaceOptions): OutputPlace {
  const { paths } = options;
  // The cleaned path has no trailing slash, as the front's file has none.
  const packed = `${joinPath(paths.outputArtifacts, cleanPath(path))}.tgz`;
  return place(template, path, options, packed, paths.outputArtifacts);
}

function place(
  template: Template,
  path: string,
  { paths, initless }: PlaceOptions,
  packed: string,
  packedRoot: string,
): OutputPlace {
  return isBaseImagePath(template, path, { initless })
    ? { baseImage: true, path: packed, root: packedRoot }
    : { baseImage: false, path: joinPath(paths.mainContainerRoot, path), root: paths.mainContainerRoot };
}
