import type { KubeClient, KubeObject } from "./kube-client.ts";

export const NAMESPACE = "argo";
/** The service account of the pods, with the documented Role and nothing else. */
export const SERVICE_ACCOUNT = "workflow";
/** The same, without any Role. */
export const STRANGER = "stranger";
/** The only node there is. */
export const NODE = "e2e-node";

/**
 * What stands in a cluster before the first workflow: a node, a namespace, service accounts, and the CA that every
 * namespace is given.
 */
export async function installAccess(admin: KubeClient, ca: string, role: KubeObject): Promise<void> {
  await admin.create("/api/v1/nodes", { metadata: { name: NODE } });
  await admin.create("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  const core = `/api/v1/namespaces/${NAMESPACE}`;
  for (const name of [SERVICE_ACCOUNT, STRANGER])
    await admin.create(`${core}/serviceaccounts`, { metadata: { name } });
  await admin.create(`${core}/configmaps`, {
    metadata: { name: "kube-root-ca.crt" },
    data: { "ca.crt": ca },
  });
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
  await admin.create(`${rbac}/roles`, { ...role, metadata: { name: role.metadata.name } });
  await admin.create(`${rbac}/rolebindings`, {
    metadata: { name: role.metadata.name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
    subjects: [{ kind: "ServiceAccount", name: SERVICE_ACCOUNT, namespace: NAMESPACE }],
  });
}
