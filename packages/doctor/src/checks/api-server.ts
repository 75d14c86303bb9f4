import { KubernetesError } from "@skein/kubernetes";
import { type Check, fail, ok, skip } from "../check.ts";

const NOT_MOUNTED =
  "give the pod its service account's token: no automountServiceAccountToken: false on the account or the pod, and where executor.serviceAccountName is used, that account's token secret";

export const apiServer: Check = {
  id: "api-server",
  title: "API server",
  stuck: {
    say: "let pods reach the API server (docs/install.md, Network): a network policy usually names its address and 443 or 6443",
  },
  stuckOutside: {
    say: "the API server does not answer this machine: connect to its network (VPN, proxy-url of the kubeconfig), or choose another --context, until this answers",
    copy: ["kubectl version"],
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
    const asked = cluster.client.send({ method: "GET", path: "/version", signal });
    const version = await asked.then(
      (answer) => answer as { gitVersion?: string },
      (error: unknown) => {
        // The pod's remedy comes with the error.
        if (inPod || !(error instanceof KubernetesError) || error.status !== 401) throw error;
        return undefined;
      },
    );
    if (version === undefined) {
      return fail(
        `${server.origin} does not take the kubeconfig's credentials`,
        "log in again, until this answers",
        ["kubectl auth whoami"],
      );
    }
    const ms = Math.round(performance.now() - startedAt);
    return ok(`Kubernetes ${version.gitVersion ?? "of an unknown version"} at ${server.origin}, ${ms} ms`);
  },
};
