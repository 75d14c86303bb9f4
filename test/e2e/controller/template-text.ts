import type { AuthorContainer, ControllerConfig, Step, StepTemplate } from "./step.ts";

/** Above this many bytes a value does not fit into one environment variable. */
export const MAX_ENV_LENGTH = 131_072;

/** The template as a controller's Go types print it: with names and resources that are there though nobody wrote them. */
export function templateText(step: Step, config: ControllerConfig, keepsInputParameters: boolean): string {
  const { template } = step;
  const { volumes, ...rest } = template;
  const { parameters, artifacts } = template.inputs ?? {};
  const { script, container, containerSet, sidecars } = template;
  return JSON.stringify({
    ...rest,
    inputs: {
      ...(keepsInputParameters && parameters ? { parameters } : {}),
      ...(artifacts ? { artifacts } : {}),
    },
    outputs: template.outputs ?? {},
    metadata: template.metadata ?? {},
    ...(container ? { container: printed(container) } : {}),
    ...(script ? { script: { ...printed(script), source: script.source } } : {}),
    ...(containerSet
      ? { containerSet: { ...containerSet, containers: containerSet.containers.map(printed) } }
      : {}),
    ...(sidecars ? { sidecars: sidecars.map(printed) } : {}),
    ...(volumes ? { volumes } : {}),
    archiveLocation: archiveLocation(step, config),
  });
}

function printed(container: AuthorContainer): object {
  return { ...container, name: container.name ?? "", resources: container.resources ?? {} };
}

/** The default repository with the key format's default, `{{workflow.name}}/{{pod.name}}`. */
function archiveLocation(step: Step, { repository }: ControllerConfig): object {
  const { s3, ...more } = repository;
  return { ...more, s3: { ...s3, key: `${step.workflow.name}/${step.podName}` } };
}

/** Containers of the author's in the order of the pod's specification, and their names. */
export function mainContainers({ container, script, containerSet }: StepTemplate): AuthorContainer[] {
  if (containerSet) return containerSet.containers;
  const main = container ?? script;
  if (!main) throw new Error("the template has neither container nor script nor containerSet");
  return [{ ...main, name: "main" }];
}
