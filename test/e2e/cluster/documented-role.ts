import type { KubeObject } from "./kube-client.ts";

/** The Role that an executor needs for containers, scripts and container sets (contract §14.4). */
export function documentedRole(): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "executor" },
    rules: [{ apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] }],
  };
}
