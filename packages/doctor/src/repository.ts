import { readFile } from "node:fs/promises";
import {
  ArtifactError,
  type ArtifactLocation,
  errorMessage,
  type LocationType,
  locationType,
  type S3Location,
  type Template,
} from "@skein/contract";
import { KubernetesError, type RestClient } from "@skein/kubernetes";
import { parse } from "yaml";
import type { ControllerSettings } from "./controller.ts";
import type { DoctorFlags } from "./flags.ts";

/** Where artifacts without a location of their own go. */
export interface Repository {
  /** Undefined when none is configured, or none could be read. */
  location: ArtifactLocation | undefined;
  type: LocationType | undefined;
  /** Where that stands, for people; without a location, where it was looked for. */
  from: string;
  /** Where below it pods put theirs, as far as it is the same for all; empty or with a slash at its end. */
  prefix: string;
}

export interface RepositorySources {
  flags: Pick<DoctorFlags, "repository" | "s3">;
  template: Template | undefined;
  client: RestClient | undefined;
  namespace: string;
  controller: () => Promise<ControllerSettings>;
  signal: AbortSignal;
}

/** Which key of the ConfigMap counts when a workflow names none (https://argo-workflows.readthedocs.io/en/latest/artifact-repository-ref/). */
const DEFAULT_KEY_ANNOTATION = "workflows.argoproj.io/default-artifact-repository";
const NAMESPACE_CONFIG_MAP = "artifact-repositories";

/**
 * Finds the artifact repository: the flags', the template's, the namespace's, the controller's. Single fields of S3 that are
 * given as flags win in whichever it is.
 *
 * @throws ArtifactError when the file of --repository cannot be read or holds none
 */
export async function findRepository(sources: RepositorySources): Promise<Repository> {
  const { s3 } = sources.flags;
  const found = await findUnchanged(sources);
  if (Object.keys(s3).length === 0) return found;
  const changed: S3Location = { ...found.location?.s3, ...s3 };
  const from = found.location?.s3 ? `${found.from}, changed by flags` : "the flags";
  return { location: { s3: changed }, type: "s3", from, prefix: found.location?.s3 ? found.prefix : "" };
}

async function findUnchanged(sources: RepositorySources): Promise<Repository> {
  const { flags, template } = sources;
  if (flags.repository !== undefined) {
    return repositoryOf(await readFileOf(flags.repository), `the file ${flags.repository}`);
  }
  if (flags.s3.bucket !== undefined && flags.s3.endpoint !== undefined) {
    return { location: undefined, type: undefined, from: "the flags", prefix: "" };
  }
  if (template?.archiveLocation && locationType(template.archiveLocation)) {
    return repositoryOf(template.archiveLocation, "the pod's template");
  }
  const ofNamespace = await fromNamespace(sources);
  if (ofNamespace.location) return ofNamespace;
  const controller = await sources.controller();
  const why = controller.status === "read" ? "no repository in it" : controller.reason;
  const ofIt = `${controller.from} (${why})`;
  const looked = [template ? "the pod's template" : "", ofNamespace.from, ofIt].filter(Boolean);
  if (controller.status === "read" && controller.settings.artifactRepository) {
    const ofController = repositoryOf(controller.settings.artifactRepository, controller.from);
    if (ofController.location) return ofController;
  }
  return { location: undefined, type: undefined, from: looked.join(", "), prefix: "" };
}

async function readFileOf(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new ArtifactError(`--repository ${path}: ${errorMessage(error)}`, {
      code: "artifact.no_location",
      remedy: "name a file that holds an artifact repository as YAML, such as `s3: {endpoint: …, bucket: …}`",
      cause: error,
    });
  }
}

async function fromNamespace({ client, namespace, signal }: RepositorySources): Promise<Repository> {
  const name = `ConfigMap ${namespace}/${NAMESPACE_CONFIG_MAP}`;
  const none = (why: string): Repository => ({ location: undefined, type: undefined, from: why, prefix: "" });
  if (!client) return none("");
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${NAMESPACE_CONFIG_MAP}`;
  try {
    const { metadata, data = {} } = (await client.send({ method: "GET", path, signal })) as {
      metadata?: { annotations?: Record<string, string> };
      data?: Record<string, string>;
    };
    const key = metadata?.annotations?.[DEFAULT_KEY_ANNOTATION];
    const text = key === undefined ? undefined : data[key];
    if (key === undefined || text === undefined) return none(`${name} (no default)`);
    return repositoryOf(parse(text), `${name}, key ${key}`);
  } catch (error) {
    const status = error instanceof KubernetesError ? error.status : 0;
    return none(
      `${name} (${status === 404 ? "not there" : status === 403 ? "not readable" : errorMessage(error)})`,
    );
  }
}

/** An `ArtifactRepository` (with `keyFormat`), or an `ArtifactLocation` (with a key), as a location. */
function repositoryOf(value: unknown, from: string): Repository {
  const object = (typeof value === "object" && value !== null ? value : {}) as ArtifactLocation;
  const type = locationType(object);
  if (type === undefined)
    return { location: undefined, type, from: `${from} (no repository in it)`, prefix: "" };
  const { keyFormat, keyPrefix, ...place } = (object[type] ?? {}) as {
    key?: string;
    keyFormat?: string;
    keyPrefix?: string;
  };
  const key = place.key ?? keyFormat ?? (keyPrefix ? `${keyPrefix}/` : "");
  return { location: { [type]: place }, type, from, prefix: fixedPrefix(key) };
}

/** What is the same for all pods: all of a key that is filled in already, else up to the last slash before the first `{{`. */
function fixedPrefix(key: string): string {
  if (key === "") return "";
  const at = key.indexOf("{{");
  if (at < 0) return key.endsWith("/") ? key : `${key}/`;
  return key.slice(0, key.lastIndexOf("/", at) + 1);
}
