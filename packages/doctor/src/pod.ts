import type { SecretKeySelector } from "@skein/contract";
import { stringify } from "yaml";
import type { Examination } from "./examination.ts";
import { gitRepositories } from "./git-repositories.ts";

/** For where nobody says which: the name that docs/install.md uses. */
const DOCUMENTED_IMAGE = "ghcr.io/skein/argoexec";
/** Where the controller mounts secrets (contract §5.6). */
const SECRETS = "/argo/secret";

/**
 * A Pod, as YAML, that runs the checks as an executor runs: its image, service account, variables, with the secrets mounted that
 * repository and git artifacts name, and a template that has them. It ends by itself and may use 256Mi.
 */
export async function renderPod(examination: Examination): Promise<string> {
  const { namespace, serviceAccount, flags, version } = examination;
  const found = await examination.controller();
  const executor = found.status === "read" ? found.settings.executor : undefined;
  const flagImage = found.status === "read" ? found.flagImage : undefined;
  const template = await templateOf(examination);
  const secrets = namesOfSecrets(template);
  const args = ["doctor", `--namespace=${namespace}`, ...passedOn(examination)];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "skein-doctor-",
      namespace,
      labels: { "app.kubernetes.io/name": "skein-doctor" },
    },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: serviceAccount ?? "default",
      containers: [
        {
          name: "doctor",
          image: flags.image ?? flagImage ?? executor?.image ?? `${DOCUMENTED_IMAGE}:${version}`,
          args,
          env: [...(executor?.env ?? []), { name: "ARGO_TEMPLATE", value: JSON.stringify(template) }],
          resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "256Mi" } },
          ...(executor?.securityContext && { securityContext: executor.securityContext }),
          volumeMounts: [
            { name: "tmp", mountPath: "/tmp" },
            { name: "shared", mountPath: "/var/run/argo" },
            ...secrets.map((name) => ({
              name: `secret-${name}`,
              mountPath: `${SECRETS}/${name}`,
              readOnly: true,
            })),
          ],
        },
      ],
      volumes: [
        { name: "tmp", emptyDir: {} },
        { name: "shared", emptyDir: {} },
        // Optional: that one is missing is for the checks to say, and not for the kubelet.
        ...secrets.map((name) => ({
          name: `secret-${name}`,
          secret: { secretName: name, optional: true },
        })),
      ],
    },
  };
  // kubectl takes YAML 1.1, where a bare `off` is a boolean, and no value of a variable.
  return stringify(pod, { lineWidth: 0, version: "1.1" });
}

/** The flags that mean the same in the pod; all else is in the template. */
function passedOn({ flags }: Examination): string[] {
  return [
    ...(flags.json ? ["--json"] : []),
    ...(flags.readOnly ? ["--read-only"] : []),
    ...(flags.prefix === undefined ? [] : [`--prefix=${flags.prefix}`]),
    `--timeout=${flags.timeLimitMs / 1000}`,
  ];
}

async function templateOf(examination: Examination) {
  const { location, prefix } = await examination.repository();
  const { s3, ...others } = location ?? {};
  return {
    name: "skein-doctor",
    // A template's location has a key, and the probe is put below it.
    ...(location && { archiveLocation: s3 ? { ...others, s3: { ...s3, key: prefix } } : others }),
    inputs: {
      artifacts: gitRepositories(examination).map((git, index) => ({ name: `git-${index + 1}`, git })),
    },
  };
}

/** Of every selector in it, wherever that stands. */
function namesOfSecrets(value: unknown): string[] {
  const names = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    for (const [field, inner] of Object.entries(part)) {
      const { name } = (inner ?? {}) as Partial<SecretKeySelector>;
      if (field.endsWith("Secret") && name) names.add(name);
      visit(inner);
    }
  };
  visit(value);
  return [...names].sort();
}
