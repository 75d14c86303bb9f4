import type { Artifact, Outputs, Parameter } from "@skein/contract";
import { substitute } from "../workflow/tags.ts";
import type { WorkflowTemplate } from "../workflow/types.ts";
import { UnresolvedInputError } from "./inputs.ts";
import type { WorkflowNode } from "./node.ts";
import { hasAny, lookupIn, resolveFrom, type Scope } from "./scope.ts";

/**
 * Gives the node of a steps or dag template the outputs that the template takes from its steps.
 *
 * @throws UnresolvedInputError when a step has not produced what it should have
 */
export function gatherOutputs(node: WorkflowNode, template: WorkflowTemplate, scope: Scope): void {
  const outputs: Outputs = {
    parameters: (template.outputs?.parameters ?? []).map((parameter) => gatherParameter(parameter, scope)),
    artifacts: (template.outputs?.artifacts ?? []).flatMap((artifact) => gatherArtifact(artifact, scope)),
  };
  if (hasAny(outputs)) node.outputs = outputs;
}

function gatherParameter(parameter: Parameter, scope: Scope): Parameter {
  const { parameter: source = "", default: otherwise } = parameter.valueFrom ?? {};
  const value = substitute(source, lookupIn(scope));
  // A tag that stayed as it was: the step has no such output.
  if (!value.includes("{{") || value !== source) return { ...parameter, value };
  if (otherwise !== undefined) return { ...parameter, value: otherwise };
  throw new UnresolvedInputError(`output parameter "${parameter.name}" has no value: ${source}`);
}

function gatherArtifact(artifact: Artifact, scope: Scope): Artifact[] {
  const found = resolveFrom(scope, artifact.from ?? "", artifact.name);
  if (found) return [found];
  if (artifact.optional) return [];
  throw new UnresolvedInputError(`output artifact "${artifact.name}" was not produced: ${artifact.from}`);
}
