import type { Volume, VolumeMount } from "./pod.ts";
import type { Artifact, ControllerConfig, Step } from "./step.ts";
import type { ControllerVersion } from "./versions.ts";

/** Which mounts which container has (contract §1.3), without those that each of them has. */
export interface PodVolumes {
  volumes: Volume[];
  init: VolumeMount[];
  auxiliary: VolumeMount[];
  /** Of the container called main, in addition to the author's own. */
  main: VolumeMount[];
}

export const VAR_RUN_ARGO: VolumeMount = { name: "var-run-argo", mountPath: "/var/run/argo" };
export const ARGO_BIN: VolumeMount = { name: "argoexec-bin", readOnly: true, mountPath: "/argo-bin" };
const STAGING: VolumeMount = { name: "argo-staging", mountPath: "/argo/staging" };
const ALL_INPUTS: VolumeMount = { name: "input-artifacts", mountPath: "/argo/inputs/artifacts" };

export function podVolumes(step: Step, version: ControllerVersion, config: ControllerConfig): PodVolumes {
  const { template } = step;
  const isInitless = version.layout === "initless";
  const inputs = template.inputs?.artifacts ?? [];
  const secrets = secretVolumes(step, config);
  const secretMounts = secrets.map(({ name }) => ({
    name,
    readOnly: true,
    mountPath: `/argo/secret/${name}`,
  }));
  const userMounts = templateMounts(step);
  const loading = inputs.length > 0 ? [ALL_INPUTS, ...userMounts.map(mirror)] : [];
  const staging = template.script ? [STAGING] : [];
  const main = [...(isInitless ? (inputs.length > 0 ? [ALL_INPUTS] : []) : inputMounts(step)), ...staging];
  const own = mountsOfMain(step);
  const mirrored = own ? [...own, ...main].map((mount) => ({ ...mirror(mount), readOnly: false })) : [];
  const loader = [...secretMounts, ...loading, ...staging];
  const before = isInitless ? loader : secretMounts;
  // A supervisor has what it loads into already, and a path can be mounted once.
  const saving = mirrored.filter(({ mountPath }) => !before.some((mount) => mount.mountPath === mountPath));
  return {
    volumes: [
      { name: "var-run-argo", emptyDir: {} },
      { name: "tmp-dir-argo", emptyDir: {} },
      ...(isInitless
        ? [{ name: "argoexec-bin", image: { reference: config.executor.image, pullPolicy: "IfNotPresent" } }]
        : []),
      ...(template.volumes ?? []),
      ...secrets,
      ...(inputs.length > 0 ? [{ name: "input-artifacts", emptyDir: {} }] : []),
      ...(template.script ? [{ name: "argo-staging", emptyDir: {} }] : []),
    ],
    init: [...loader, VAR_RUN_ARGO],
    auxiliary: [
      ...before,
      ...saving.map(withoutFalse),
      { name: "tmp-dir-argo", mountPath: "/tmp", subPath: "0" },
      VAR_RUN_ARGO,
    ],
    main,
  };
}

function mirror(mount: VolumeMount): VolumeMount {
  return { ...mount, mountPath: `/mainctrfs${mount.mountPath}` };
}

/** As the field is written: left out when it says no. */
function withoutFalse({ readOnly: _, ...mount }: VolumeMount): VolumeMount {
  return mount;
}

/** Those that count for overlaps: of a containerSet its own, not its members'. */
function templateMounts({ template }: Step): VolumeMount[] {
  return (template.container ?? template.script ?? template.containerSet)?.volumeMounts ?? [];
}

/** What the container called main has from its author; nothing when a containerSet has no such member. */
function mountsOfMain({ template }: Step): VolumeMount[] | undefined {
  const { containerSet } = template;
  if (!containerSet) return templateMounts({ template } as Step);
  const main = containerSet.containers.find(({ name }) => name === "main");
  return main && [...(main.volumeMounts ?? []), ...(containerSet.volumeMounts ?? [])];
}

/** In the init layout: each input at its path, unless nobody supplied it or a volume is there. */
function inputMounts(step: Step): VolumeMount[] {
  const volumes = templateMounts(step);
  return (step.template.inputs?.artifacts ?? [])
    .filter((artifact) => !artifact.optional || isSupplied(artifact))
    .filter(
      ({ path }) => !volumes.some(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`)),
    )
    .map(({ name, path }) => ({ name: "input-artifacts", mountPath: path, subPath: name }));
}

const LOCATIONS = ["s3", "git", "http", "raw"] as const;

function isSupplied(artifact: Artifact): boolean {
  return LOCATIONS.some((location) => artifact[location] !== undefined);
}

/** One volume for each secret that a location names, with the keys it names. */
function secretVolumes({ template }: Step, { repository }: ControllerConfig): Volume[] {
  const artifacts = [...(template.inputs?.artifacts ?? []), ...(template.outputs?.artifacts ?? [])];
  const keys = new Map<string, Set<string>>();
  for (const { name, key } of [repository.s3, ...artifacts].flatMap(secretReferences)) {
    const found = keys.get(name) ?? new Set();
    keys.set(name, found.add(key));
  }
  return [...keys].map(([name, used]) => ({
    name,
    secret: { secretName: name, items: [...used].map((key) => ({ key, path: key })) },
  }));
}

/** `…Secret: {name, key}`, wherever it stands in a location. */
function secretReferences(value: unknown): { name: string; key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) =>
    field.endsWith("Secret") && typeof (inner as { name?: unknown }).name === "string"
      ? [inner as { name: string; key: string }]
      : secretReferences(inner),
  );
}
