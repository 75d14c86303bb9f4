import { MAIN_CONTAINER, parseGoDuration } from "@skein/contract";
import { type AuthoredContainer, authoredContainers } from "./containers.ts";
import { findCycle } from "./dependencies.ts";
import { parsePodSpecPatch } from "./pod-spec-patch.ts";
import { isPodTemplate } from "./scope.ts";
import { missingSecret, reportDuplicates, type TemplateCheck } from "./template-check.ts";

/** The executor's own containers, and what Argo keeps for its plugins (contract §1.1). */
const RESERVED_NAME = /^(init|wait|supervisor)$|^(init-artifact|artifact-plugin)-/;

/** Checks the containers of a pod template: that each can be started, and that the pod can tell them apart. */
export function validateContainers(check: TemplateCheck): void {
  const { template, report } = check;
  const containers = authoredContainers(template);
  for (const container of containers) {
    validateCommand(check, container);
    validateMounts(check, container);
    if (container.name !== MAIN_CONTAINER || container.role !== "main") validateName(check, container);
  }
  const seen = new Set<string>();
  for (const { name, path } of containers) {
    if (seen.has(name)) report(path, `a second container called "${name}"`);
    seen.add(name);
  }
  if (!isPodTemplate(template)) {
    for (const field of ["sidecars", "initContainers", "podSpecPatch"] as const) {
      if (template[field] !== undefined) report([field], "only a template that is a pod can have it");
    }
  }
  validateContainerSet(check);
  validatePodSpecPatch(check);
}

function validateCommand({ report }: TemplateCheck, { container, path }: AuthoredContainer): void {
  if (container.command?.length) return;
  report(path, "needs a command: the lab has no image to read an entrypoint from");
}

function validateName({ report }: TemplateCheck, { name, path }: AuthoredContainer): void {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) || name.length > 63) {
    report(path, `"${name}" cannot be a container's name: lower case letters, digits and "-" only`);
  }
  if (RESERVED_NAME.test(name)) report(path, `"${name}" is a container of Argo's own`);
}

function validateMounts(
  { plan, template, report }: TemplateCheck,
  { container, path }: AuthoredContainer,
): void {
  const volumes = [...(template.volumes ?? []), ...(plan.workflow.spec.volumes ?? [])];
  const own = container.volumeMounts ?? [];
  for (const [index, { name, subPath = "" }] of own.entries()) {
    const at = [...path, "volumeMounts", index];
    const volume = volumes.find((candidate) => candidate.name === name);
    if (!volume) report(at, `there is no volume called "${name}"`);
    else if (!volume.emptyDir && !volume.secret) report(at, `volume "${name}" needs emptyDir or secret`);
    if (volume?.secret && !plan.secrets.has(volume.secret.secretName)) {
      report(at, missingSecret(volume.secret.secretName));
    }
    if (subPath.startsWith("/") || subPath.split("/").includes("..")) {
      report([...at, "subPath"], `"${subPath}" leads out of the volume`);
    }
  }
}

function validateContainerSet({ template, report }: TemplateCheck): void {
  const { containerSet, inputs, outputs } = template;
  if (!containerSet) return;
  const { containers, retryStrategy } = containerSet;
  const names = containers.map(({ name }) => name);
  if (names.length === 0) report(["containerSet", "containers"], "a containerSet needs containers");
  for (const [index, { name, dependencies = [] }] of containers.entries()) {
    for (const dependency of dependencies.filter((candidate) => !names.includes(candidate))) {
      report(
        ["containerSet", "containers", index, "dependencies"],
        `container "${name}" depends on "${dependency}", which does not exist`,
      );
    }
  }
  const next = (name: string) => containers.find((member) => member.name === name)?.dependencies ?? [];
  const cycle = findCycle(names, next);
  if (cycle) report(["containerSet"], `the containers wait for each other in a circle: ${cycle.join(" → ")}`);
  const needsMain = [inputs?.artifacts, outputs?.parameters, outputs?.artifacts].some((list) => list?.length);
  if (needsMain && !names.includes(MAIN_CONTAINER)) {
    report(["containerSet"], 'a containerSet with inputs or outputs needs a container called "main"');
  }
  const { duration } = retryStrategy ?? {};
  if (duration !== undefined && !duration.includes("{{") && !((parseGoDuration(duration) ?? -1) >= 0)) {
    const path = ["containerSet", "retryStrategy", "duration"];
    report(path, `must be a duration such as "5s", not "${duration}"`);
  }
  reportDuplicates(
    (containerSet.volumeMounts ?? []).map(({ mountPath }) => ({ name: mountPath })),
    ["containerSet", "volumeMounts"],
    "mount at the path",
    report,
  );
}

function validatePodSpecPatch({ template, report }: TemplateCheck): void {
  if (template.podSpecPatch === undefined || template.podSpecPatch.includes("{{")) return;
  const patch = parsePodSpecPatch(template.podSpecPatch);
  if (typeof patch === "string") report(["podSpecPatch"], patch);
}
