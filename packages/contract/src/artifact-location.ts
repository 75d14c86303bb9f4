import { ArtifactError } from "./errors.ts";
import type { Artifact, ArtifactLocation } from "./template.ts";

export type LocationType =
  | "artifactory"
  | "azure"
  | "git"
  | "gcs"
  | "hdfs"
  | "http"
  | "oss"
  | "raw"
  | "s3"
  | "plugin";

/** First present wins where keys are read and set (contract §5.3). */
const KEY_ORDER: readonly LocationType[] = [
  "artifactory",
  "azure",
  "git",
  "gcs",
  "hdfs",
  "http",
  "oss",
  "raw",
  "s3",
  "plugin",
];

/** First present wins where a driver is made (contract §5.3). Only matters for an artifact with two locations. */
const DRIVER_ORDER: readonly LocationType[] = [
  "s3",
  "http",
  "git",
  "artifactory",
  "hdfs",
  "raw",
  "oss",
  "gcs",
  "azure",
  "plugin",
];

const NO_STORAGE =
  "artifact storage is not configured; see the docs for setup instructions: https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/";

export function locationType(location: ArtifactLocation): LocationType | undefined {
  return KEY_ORDER.find((type) => location[type]);
}

export function driverType(location: ArtifactLocation): LocationType | undefined {
  return DRIVER_ORDER.find((type) => location[type]);
}

/** Whether everything a driver needs is there, not only a key. */
export function hasLocation(location: ArtifactLocation): boolean {
  switch (locationType(location)) {
    case "s3":
      return all(location.s3?.endpoint, location.s3?.bucket, location.s3?.key);
    case "git":
      return all(location.git?.repo);
    case "http":
      // A path alone, as a key-only artifact of an http repository has it, is no location (contract §22.41).
      return all(location.http?.url) && !isUrlPath(location.http?.url);
    case "artifactory":
      return all(location.artifactory?.url, location.artifactory?.usernameSecret);
    case "hdfs":
      return (location.hdfs?.addresses?.length ?? 0) > 0;
    case "raw":
      return true;
    case "oss":
      return all(location.oss?.bucket, location.oss?.endpoint, location.oss?.key);
    case "gcs":
      return all(location.gcs?.bucket, location.gcs?.key);
    case "azure":
      return all(location.azure?.endpoint, location.azure?.container, location.azure?.blob);
    case "plugin":
      return all(location.plugin?.name, location.plugin?.configuration, location.plugin?.key);
    case undefined:
      return false;
  }
}

/** The key of the artifact, or the empty string where there is none. git and raw have none by nature. */
export function getKey(location: ArtifactLocation): string {
  switch (locationType(location)) {
    case "s3":
      return location.s3?.key ?? "";
    case "oss":
      return location.oss?.key ?? "";
    case "gcs":
      return location.gcs?.key ?? "";
    case "plugin":
      return location.plugin?.key ?? "";
    case "azure":
      return location.azure?.blob ?? "";
    case "hdfs":
      return location.hdfs?.path ?? "";
    case "http":
      return urlPath(location.http?.url);
    case "artifactory":
      return urlPath(location.artifactory?.url);
    default:
      return "";
  }
}

export function hasKey(location: ArtifactLocation): boolean {
  return getKey(location) !== "";
}

/**
 * A copy of the location with another key; for URL types the key is the path of the URL.
 *
 * @throws ArtifactError `artifact.key_unsupported` for git and raw, or when there is no location at all
 */
export function withKey<L extends ArtifactLocation>(location: L, key: string): L {
  const type = locationType(location);
  switch (type) {
    case "s3":
    case "oss":
    case "gcs":
    case "plugin":
      return { ...location, [type]: { ...location[type], key } };
    case "azure":
      return { ...location, azure: { ...location.azure, blob: key } };
    case "hdfs":
      return { ...location, hdfs: { ...location.hdfs, path: key } };
    case "http":
    case "artifactory":
      return { ...location, [type]: { ...location[type], url: withUrlPath(location[type]?.url ?? "", key) } };
    case "git":
      throw keyUnsupported("git artifact does not have a key");
    case "raw":
      throw keyUnsupported("raw artifat does not have key");
    case undefined:
      throw keyUnsupported(NO_STORAGE, "");
  }
}

/**
 * The location of the repository's type that holds the key and nothing else: what is reported for an
 * output artifact without a location of its own (contract §11.4).
 *
 * @throws ArtifactError `artifact.no_location` when the template has no usable `archiveLocation`
 */
export function keyOnlyLocation(
  archiveLocation: ArtifactLocation | undefined,
  key: string,
): ArtifactLocation {
  if (!archiveLocation) {
    throw new ArtifactError("key unsupported: cannot get key for artifact location, because it is invalid", {
      code: "artifact.no_location",
      remedy: "configure an artifact repository, or give the artifact a location of its own",
    });
  }
  const type = locationType(archiveLocation);
  if (type === undefined) {
    throw new ArtifactError(NO_STORAGE, { code: "artifact.no_location" });
  }
  return withKey({ [type]: emptyLocation(type) }, key);
}

/**
 * The artifact as a driver needs it: one without a full location gets the template's `archiveLocation`
 * whole, with its own key put in (contract §5.3). The artifact that is reported stays as it was.
 *
 * @throws ArtifactError `artifact.no_location`
 */
export function relocate(artifact: Artifact, archiveLocation: ArtifactLocation | undefined): Artifact {
  if (hasLocation(artifact)) return artifact;
  if (!archiveLocation) {
    throw new ArtifactError("template artifact location not set", { code: "artifact.no_location" });
  }
  const key = getKey(artifact);
  const located: Artifact = { ...artifact };
  for (const type of KEY_ORDER) delete located[type];
  const type = locationType(archiveLocation);
  if (type === undefined) throw new ArtifactError(NO_STORAGE, { code: "artifact.no_location" });
  return withKey({ ...located, [type]: archiveLocation[type] }, key);
}

function emptyLocation(type: LocationType): object {
  return type === "http" || type === "artifactory" ? { url: "" } : {};
}

function keyUnsupported(reason: string, prefix = "key unsupported: "): ArtifactError {
  return new ArtifactError(`${prefix}${reason}`, { code: "artifact.key_unsupported" });
}

function all(...values: unknown[]): boolean {
  return values.every((value) => value !== undefined && value !== null && value !== "");
}

function isUrlPath(url: string | undefined): boolean {
  return url?.startsWith("/") ?? false;
}

function urlPath(url: string | undefined): string {
  if (!url) return "";
  if (isUrlPath(url)) return url;
  return URL.canParse(url) ? decoded(new URL(url).pathname) : "";
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    // A stray `%` is a legal path that only cannot be decoded; it is then its own spelling.
    return path;
  }
}

function withUrlPath(url: string, path: string): string {
  const rooted = path.startsWith("/") ? path : `/${path}`;
  if (!URL.canParse(url)) return rooted;
  const changed = new URL(url);
  changed.pathname = rooted;
  return changed.href;
}
