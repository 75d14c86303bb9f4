import { type Check, fail, ok, skip } from "../check.ts";

const NOT_MOUNTED =
  "give the pod its service account's token: no automountServiceAccountToken: false on the account or the pod, and where executor.serviceAccountName is used, that account's token secret";

export const apiServer: Check = {
  id: "api-server",
  title: "API server",
  stuck: {
    say: "let pods reach the API server (docs/install.md, Network): a network policy usually names its address and 443 or 6443",
  },
  async run({ cluster, whyNoCluster, inPod, flags }, { signal }) {
    if (!cluster) {
      if (inPod) return fail(whyNoCluster, NOT_MOUNTED);
      const isAsked = flags.kubeconfig !== undefined || flags.context !== undefined;
      return isAsked
        ? fail(whyNoCluster, "name a kubeconfig that kubectl works with: kubectl --kubeconfig FILE version")
        : skip(whyNoCluster);
    }
    const { server } = cluster.connection;
    const startedAt = performance.now();
    const version = (await cluster.client.send({ method: "GET", path: "/version", signal })) as {
      gitVersion?: string;
    };
    const ms = Math.round(performance.now() - startedAt);
    return ok(`Kubernetes ${version.gitVersion ?? "of an unknown version"} at ${server.origin}, ${ms} ms`);
  },
};
