import { anyString } from "./any-string.ts";
import { ContractError } from "./errors.ts";
import type { Template } from "./template.ts";

type Json = Record<string, unknown>;

/**
 * Reads a template. Unknown fields are kept, so that writing it again loses nothing (contract §5).
 * Values that may be numbers or booleans in JSON (`value`, `default`, `enum`) become strings.
 *
 * @param source what the text is and where it came from, for the error, e.g. `the environment variable ARGO_TEMPLATE`
 * @throws ContractError naming `source` and the offending field
 */
export function parseTemplate(text: string, source: string): Template {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ContractError(`template in ${source} is not JSON: ${(error as Error).message}`);
  }
  const check = new ShapeCheck(source);
  const template = check.object(value, "");
  for (const side of ["inputs", "outputs"]) {
    const put = check.optionalObject(template[side], side);
    if (!put) continue;
    check.namedList(put.parameters, `${side}.parameters`, (item, at) => normaliseParameter(check, item, at));
    check.namedList(put.artifacts, `${side}.artifacts`, (item, at) => checkArtifact(check, item, at));
  }
  checkContainers(check, template);
  check.optionalObject(template.archiveLocation, "archiveLocation");
  check.namedList(template.sidecars, "sidecars", () => {});
  return template as Template;
}

/** The template as it is written to `/var/run/argo/template`. */
export function serialiseTemplate(template: Template): string {
  return JSON.stringify(template);
}

function checkContainers(check: ShapeCheck, template: Json): void {
  check.optionalObject(template.container, "container");
  const script = check.optionalObject(template.script, "script");
  if (script) check.string(script.source ?? "", "script.source");
  const set = check.optionalObject(template.containerSet, "containerSet");
  if (set) check.namedList(set.containers, "containerSet.containers", () => {});
  const holders: [unknown, string][] = [
    [template.container, "container"],
    [script, "script"],
    [set, "containerSet"],
  ];
  for (const [holder, at] of holders) {
    const mounts = (holder as Json | undefined)?.volumeMounts;
    check.namedList(mounts, `${at}.volumeMounts`, (mount, path) =>
      check.string(mount.mountPath, `${path}.mountPath`),
    );
  }
}

function normaliseParameter(check: ShapeCheck, parameter: Json, at: string): void {
  replaceAnyString(parameter, "value");
  replaceAnyString(parameter, "default");
  replaceAnyStrings(check, parameter, "enum", at);
  const valueFrom = check.optionalObject(parameter.valueFrom, `${at}.valueFrom`);
  if (!valueFrom) return;
  replaceAnyString(valueFrom, "default");
  if (valueFrom.path !== undefined) check.string(valueFrom.path, `${at}.valueFrom.path`);
}

function replaceAnyString(holder: Json, field: string): void {
  if (!(field in holder)) return;
  const text = anyString(holder[field]);
  if (text === undefined) delete holder[field];
  else holder[field] = text;
}

/** Like Argo's own list: an element that is nothing an AnyString reads stays as an empty string, so that none is lost. */
function replaceAnyStrings(check: ShapeCheck, holder: Json, field: string, at: string): void {
  const values = holder[field];
  if (values === undefined || values === null) return;
  if (!Array.isArray(values)) check.fail(`${at}.${field}`, "must be an array", values);
  holder[field] = values.map((value: unknown) => anyString(value) ?? "");
}

const LOCATION_FIELDS = [
  "s3",
  "git",
  "http",
  "artifactory",
  "hdfs",
  "raw",
  "oss",
  "gcs",
  "azure",
  "plugin",
  "archive",
];

function checkArtifact(check: ShapeCheck, artifact: Json, at: string): void {
  if (artifact.path !== undefined) check.string(artifact.path, `${at}.path`);
  if (artifact.mode !== undefined && !Number.isInteger(artifact.mode)) {
    check.fail(`${at}.mode`, "must be an integer", artifact.mode);
  }
  for (const field of LOCATION_FIELDS) {
    if (artifact[field] === null) delete artifact[field];
    check.optionalObject(artifact[field], `${at}.${field}`);
  }
}

/** Complains about a wrong shape with the source and the path of the field. */
class ShapeCheck {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  fail(at: string, what: string, value: unknown): never {
    const kind = value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
    const where = at === "" ? "the template" : at;
    throw new ContractError(`template in ${this.#source}: ${where} ${what}, got ${kind}`);
  }

  object(value: unknown, at: string): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      this.fail(at, "must be an object", value);
    return value as Json;
  }

  optionalObject(value: unknown, at: string): Json | undefined {
    return value === undefined || value === null ? undefined : this.object(value, at);
  }

  string(value: unknown, at: string): void {
    if (typeof value !== "string") this.fail(at, "must be a string", value);
  }

  namedList(value: unknown, at: string, each: (item: Json, at: string) => void): void {
    if (value === undefined || value === null) return;
    if (!Array.isArray(value)) this.fail(at, "must be an array", value);
    value.forEach((item: unknown, index) => {
      const itemAt = `${at}[${index}]`;
      const object = this.object(item, itemAt);
      this.string(object.name, `${itemAt}.name`);
      each(object, itemAt);
    });
  }
}
