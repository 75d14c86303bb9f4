import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Check, fail, ok, skip } from "../check.ts";
import type { Examination } from "../examination.ts";
import { parseGitHost } from "../git-repositories.ts";

/** A name that executors look up, and where it stands. */
interface Name {
  host: string;
  from: string;
  /** What is usually wrong when it cannot be found. */
  mend: string;
}

/** Whether the names of all servers that executors talk to can be found. */
export const dns: Check = {
  id: "dns",
  title: "names",
  stuck: {
    say: "the name server does not answer: let pods reach the cluster's DNS (port 53, UDP and TCP, in network policies), and look at its pods",
    copy: ["kubectl -n kube-system get pods -l k8s-app=kube-dns"],
  },
  stuckOutside: { say: "the name server of this machine does not answer: look at its network and VPN" },
  async run(examination) {
    const names = await namesOf(examination);
    if (names.length === 0) return skip("only addresses are configured, or a proxy looks names up");
    const found = await Promise.all(names.map(find));
    const missing = names.filter((_, index) => found[index] === undefined);
    if (missing.length === 0) {
      return ok(names.map(({ host }, index) => `${host} → ${found[index]}`).join(", "));
    }
    return fail(
      missing.map(({ host, from }) => `${host} (${from}) is not found`).join(", "),
      missing.map(({ mend }) => mend).join("; "),
    );
  },
};

async function find({ host }: Name): Promise<string | undefined> {
  try {
    return (await lookup(host)).address;
  } catch {
    return undefined;
  }
}

async function namesOf(examination: Examination): Promise<Name[]> {
  const { cluster, env, inPod } = examination;
  const names: Name[] = [];
  const add = (host: string | undefined, from: string, mend: string): void => {
    const bare = (host ?? "").replace(/^\[|\]$/g, "");
    if (bare === "" || isIP(bare) !== 0 || names.some((known) => known.host === bare)) return;
    names.push({ host: bare, from, mend });
  };
  if (cluster && !cluster.connection.proxyUrl) {
    add(cluster.connection.server.hostname, "API server", "correct the server of the kubeconfig");
  }
  const { location } = await examination.repository().catch(() => ({ location: undefined }));
  const endpoint = location?.s3?.endpoint?.replace(/:\d+$/, "");
  // One that is a URL is no name, and is said to be so elsewhere.
  if (endpoint && !endpoint.includes("://") && !usesProxy(env, location?.s3?.insecure === true)) {
    const elsewhere = inPod ? "" : ", or run the checks in a pod: names of services are known there only";
    add(
      endpoint,
      "S3 endpoint",
      `correct the endpoint of the artifact repository: a service of another namespace is NAME.NAMESPACE.svc${elsewhere}`,
    );
  }
  for (const host of gitHosts(examination))
    add(host, "git", `correct the repository's address: ${host} is not known`);
  return names;
}

function gitHosts({ flags, template, env }: Examination): string[] {
  if (usesProxy(env, false)) return [];
  const inputs = (template?.inputs?.artifacts ?? []).flatMap(({ git }) => (git ? [git.repo] : []));
  return [...flags.git, ...inputs].flatMap((repo) => parseGitHost(repo) ?? []);
}

function usesProxy(env: Examination["env"], isPlain: boolean): boolean {
  const proxy = isPlain ? (env.http_proxy ?? env.HTTP_PROXY) : (env.https_proxy ?? env.HTTPS_PROXY);
  return Boolean(proxy);
}
