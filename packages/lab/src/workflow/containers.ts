import { MAIN_CONTAINER } from "@skein/contract";
import type { Path } from "./tags.ts";
import type { UserContainer, WorkflowTemplate } from "./types.ts";

/** `init` runs before everything else, the others side by side; a pod is done when its `main` containers are. */
export type ContainerRole = "init" | "main" | "sidecar";

/** A container an author has written. */
export interface AuthoredContainer {
  /** In the pod: `main` for container and script templates, whatever they are called there. */
  name: string;
  role: ContainerRole;
  container: UserContainer;
  /** Where it stands in the template. */
  path: Path;
}

/** All containers of a template, in the order of the pod's specification. None for templates that are no pods. */
export function authoredContainers(template: WorkflowTemplate): AuthoredContainer[] {
  const { initContainers = [], sidecars = [] } = template;
  return [
    ...initContainers.map((container, index) => extra("init", container, ["initContainers", index])),
    ...mainContainers(template),
    ...sidecars.map((container, index) => extra("sidecar", container, ["sidecars", index])),
  ];
}

function mainContainers({ container, script, containerSet }: WorkflowTemplate): AuthoredContainer[] {
  if (container) return [{ name: MAIN_CONTAINER, role: "main", container, path: ["container"] }];
  if (script) return [{ name: MAIN_CONTAINER, role: "main", container: script, path: ["script"] }];
  return (containerSet?.containers ?? []).map((member, index) => ({
    name: member.name,
    role: "main",
    // What the set has mounted, each of its members has.
    container: {
      ...member,
      volumeMounts: [...(member.volumeMounts ?? []), ...(containerSet?.volumeMounts ?? [])],
    },
    path: ["containerSet", "containers", index],
  }));
}

function extra(
  role: ContainerRole,
  container: UserContainer & { name: string },
  path: Path,
): AuthoredContainer {
  return { name: container.name, role, container, path };
}
