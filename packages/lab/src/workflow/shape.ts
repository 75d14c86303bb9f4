import { anyString } from "@skein/contract";
import type { Path } from "./tags.ts";

/** Takes note of something that is wrong. */
export type Report = (path: Path, message: string) => void;

/**
 * Checks a plain value and gives it back normalised: nulls are absent, `AnyString`s are texts, ignored fields are gone.
 * `undefined` when it does not have the shape, which has then been reported.
 */
export type Shape = (value: unknown, path: Path, report: Report) => unknown;

export const text: Shape = (value, path, report) => {
  if (typeof value === "string") return value;
  return report(
    path,
    `must be text, not ${describe(value)}${typeof value === "object" ? "" : "; put it in quotes"}`,
  );
};

/** Argo's `AnyString`: a number or boolean will do, too (contract §5.2). */
export const anyText: Shape = (value, path, report) => {
  const read = anyString(value);
  return read ?? report(path, `must be text, a number or a boolean, not ${describe(value)}`);
};

export const flag: Shape = (value, path, report) =>
  typeof value === "boolean" ? value : report(path, `must be true or false, not ${describe(value)}`);

export const integer: Shape = (value, path, report) =>
  Number.isInteger(value) ? value : report(path, `must be a whole number, not ${describe(value)}`);

/** Accepted whatever it is, and left out: it cannot change what the workflow computes. */
export const ignored: Shape = () => undefined;

export function list(item: Shape): Shape {
  return (value, path, report) => {
    if (!Array.isArray(value)) return report(path, `must be a list, not ${describe(value)}`);
    return value.map((entry, index) => item(entry, [...path, index], report));
  };
}

export function mapOf(item: Shape): Shape {
  return (value, path, report) => {
    if (!isObject(value)) return report(path, `must be an object, not ${describe(value)}`);
    return readFields(value, path, report, () => item);
  };
}

/**
 * An object that has these fields and no others.
 *
 * @param what its name in complaints, such as `a template`
 * @param required fields that must be there and not be empty text
 */
export function object(what: string, fields: Record<string, Shape>, required: readonly string[] = []): Shape {
  return (value, path, report) => {
    if (!isObject(value)) return report(path, `${what} must be an object, not ${describe(value)}`);
    for (const name of required) {
      if (value[name] === undefined || value[name] === null || value[name] === "") {
        report(path, `${what} needs "${name}"`);
      }
    }
    return readFields(value, path, report, (name) => {
      if (Object.hasOwn(fields, name)) return fields[name];
      report([...path, name], `the lab does not understand "${name}" of ${what}`);
      return undefined;
    });
  };
}

function readFields(
  value: Record<string, unknown>,
  path: Path,
  report: Report,
  shapeOf: (name: string) => Shape | undefined,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field === null) continue;
    const result = shapeOf(name)?.(field, [...path, name], report);
    if (result !== undefined) read[name] = result;
  }
  return read;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return `${typeof value === "string" ? "the text" : "the"} ${typeof value === "string" ? "" : `${typeof value} `}${JSON.stringify(value)}`;
}
