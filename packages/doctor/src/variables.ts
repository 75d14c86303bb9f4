import type { Environment } from "@skein/contract";
import { checkOtlpVariables, type VariableProblem } from "@skein/telemetry";
import { type Finding, fail, warn } from "./check.ts";

/** Switches that executors pass over, with a line in their log at most, when a value means nothing to them. */
const SWITCHES: Readonly<Record<string, readonly string[]>> = {
  SKEIN_TRACE: ["off", "phases", "artifacts", "files"],
  SKEIN_TRACE_STORE: ["true", "false"],
  SKEIN_TRACE_TO_MAIN: ["true", "false"],
};

/** Paths are those of a pod, and say nothing on another machine. */
const IS_PATH = /(CERTIFICATE|_KEY)$/;

/**
 * What executors cannot make sense of among their variables, as one finding that names each; undefined when there is nothing.
 *
 * @param isHere whether they are those of this process, with its files
 */
export function judgeVariables(env: Environment, isHere: boolean): Finding | undefined {
  const problems = [...switchProblems(env), ...checkOtlpVariables(env)].filter(
    ({ name }) => isHere || !IS_PATH.test(name),
  );
  if (problems.length === 0) return undefined;
  const evidence = problems.map(({ name, value, why }) => `${name} is "${value}", ${why}`).join("; ");
  const say = problems
    .map(({ name, instead, meanwhile }) => {
      const what = problems.length === 1 ? "it" : name;
      return `set ${what} to ${instead}, or take it out${meanwhile && `; until then ${meanwhile}`}`;
    })
    .join(". ");
  return problems.some(({ fatal }) => fatal) ? fail(evidence, say) : warn(evidence, say);
}

function switchProblems(env: Environment): VariableProblem[] {
  return Object.entries(SWITCHES).flatMap(([name, values]) => {
    const value = env[name] ?? "";
    if (value === "" || values.includes(value.toLowerCase())) return [];
    return [{ name, value, why: "which means nothing", instead: values.join(" or "), meanwhile: "" }];
  });
}
