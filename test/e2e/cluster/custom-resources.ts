import type { KubeClient, KubeObject } from "./kube-client.ts";

const GROUP = "argoproj.io";

interface Kind {
  kind: string;
  plural: string;
  hasStatus: boolean;
}

/** As far as executors use them. A task result has no status subresource, a task set has one (contract §14.1, §17). */
const KINDS: readonly Kind[] = [
  { kind: "Workflow", plural: "workflows", hasStatus: false },
  { kind: "WorkflowTaskResult", plural: "workflowtaskresults", hasStatus: false },
  { kind: "WorkflowTaskSet", plural: "workflowtasksets", hasStatus: true },
  { kind: "WorkflowArtifactGCTask", plural: "workflowartifactgctasks", hasStatus: true },
];

/** Our own minimal definitions: the API server keeps every field, whatever a controller's own schema says. */
export const MINIMAL_DEFINITIONS: readonly KubeObject[] = KINDS.map(definition);

/** Creates custom resources and waits until they are served. */
export async function installCustomResources(
  admin: KubeClient,
  definitions: readonly KubeObject[] = MINIMAL_DEFINITIONS,
): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  for (const each of definitions) await admin.create(path, each);
  for (const { metadata } of definitions) {
    const name = metadata.name ?? "";
    await untilTrue(async () => {
      const { status } = await admin.get<{ status?: Status }>(`${path}/${name}`);
      return (
        status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false
      );
    });
    // Established, it is served a moment later.
    const plural = name.slice(0, name.indexOf("."));
    await untilTrue(async () => Boolean(await admin.get(`/apis/${GROUP}/v1alpha1/${plural}`)));
  }
}

interface Status {
  conditions?: { type: string; status: string }[];
}

function definition({ kind, plural, hasStatus }: Kind): KubeObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          ...(hasStatus ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  };
}

const POLL_MS = 50;
const TIMEOUT_MS = 60_000;

async function untilTrue(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await isTrue().catch(() => false))) {
    if (Date.now() > deadline) throw new Error("the API server does not serve the custom resources");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
