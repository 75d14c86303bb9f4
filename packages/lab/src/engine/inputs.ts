import { type Artifact, getKey, hasKey, hasLocation, joinPath, withKey } from "@skein/contract";
import { substitute } from "../workflow/tags.ts";
import type { Arguments, WorkflowTemplate } from "../workflow/types.ts";
import { type Inputs, lookupIn, resolveFrom, type Scope } from "./scope.ts";

/** Thrown when a step cannot be given what it wants; its node ends in `Error`. */
export class UnresolvedInputError extends Error {
  override readonly name = "UnresolvedInputError";
}

/**
 * What a template is given: its arguments, over its own defaults.
 *
 * @param caller the scope the arguments were written in
 * @throws UnresolvedInputError
 */
export function resolveInputs(
  template: WorkflowTemplate,
  given: Arguments | undefined,
  caller: Scope,
): Inputs {
  const lookup = lookupIn(caller);
  const parameters = new Map<string, string>();
  for (const { name, value, default: otherwise, enum: allowed } of template.inputs?.parameters ?? []) {
    const argument = given?.parameters?.find((candidate) => candidate.name === name);
    const chosen = substitute(argument?.value ?? argument?.default ?? value ?? otherwise ?? "", lookup);
    if (allowed && !allowed.includes(chosen)) {
      throw new UnresolvedInputError(
        `parameter "${name}" must be one of ${allowed.join(", ")}, not "${chosen}"`,
      );
    }
    parameters.set(name, chosen);
  }
  const artifacts = (template.inputs?.artifacts ?? []).map((input) => {
    const argument = given?.artifacts?.find((candidate) => candidate.name === input.name);
    return argument ? resolveArtifact(input, argument, caller) : input;
  });
  return { parameters, artifacts };
}

/** What was passed decides the location and how it is packed; where it goes in the container is the template's matter. */
function resolveArtifact(input: Artifact, argument: Artifact, caller: Scope): Artifact {
  const passed = argument.from
    ? resolveFrom(caller, argument.from, input.name)
    : { ...substitute(argument, lookupIn(caller)), name: input.name };
  const optional = input.optional ?? argument.optional ?? false;
  if (!passed || (!hasLocation(passed) && !hasKey(passed))) {
    if (optional) return input;
    throw new UnresolvedInputError(
      `artifact "${input.name}" was not produced: ${argument.from ?? "no location"}`,
    );
  }
  const key = argument.subPath ? joinPath(getKey(passed), argument.subPath) : "";
  // Where it came from has done its work, and a global name belongs to an output.
  const {
    from: _from,
    subPath: _subPath,
    globalName: _globalName,
    ...located
  } = key ? withKey(passed, key) : passed;
  const { path, mode, recurseMode } = input;
  return {
    ...located,
    ...withoutAbsent({ name: input.name, path, mode, recurseMode, optional: optional || undefined }),
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>;
}
