import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parse } from "yaml";

type Json = Record<string, unknown>;

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** The Role that docs/install.md has people apply. */
export const DEPLOYED_RULES = (
  parse(readFileSync(join(import.meta.dirname, "../../../../deploy/kustomize/base/role.yaml"), "utf8")) as {
    rules: Rule[];
  }
).rules;

/** What is not as it should be in a cluster. */
export interface ClusterOptions {
  /** Of the account that executors run with. Default: the deployed Role's. */
  rules?: readonly Rule[];
  /** Of whoever has the kubeconfig: everything, or nothing. Default: everything. */
  isAdministrator?: boolean;
  /** Whether the token of the kubeconfig is taken. Default: it is. */
  isAuthenticated?: boolean;
  /** Whether the custom resource is installed. Default: it is. */
  hasTaskResults?: boolean;
  /** Objects by their paths. */
  objects?: Readonly<Record<string, Json>>;
  /** What an admission webhook answers to a task result. */
  refusal?: string;
  /** Added to the clock of its `Date` header. */
  clockOffsetMs?: number;
}

export interface TestCluster extends AsyncDisposable {
  url: string;
  /** Content of a kubeconfig for it. */
  kubeconfig: string;
  /** Method and path of every request, in order. */
  requests: string[];
}

/** An API server that knows as much of RBAC, dry runs and reading objects as the checks ask for. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const requests: string[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "" } = request;
    requests.push(`${method} ${url}`);
    const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Json;
    const [status, answer] = serve(method, url, body, options);
    const date = new Date(Date.now() + (options.clockOffsetMs ?? 0)).toUTCString();
    response.writeHead(status, { "content-type": "application/json", date }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    kubeconfig: JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "c",
      clusters: [{ name: "k", cluster: { server: url } }],
      users: [{ name: "u", user: { token: "canary-token-of-the-kubeconfig" } }],
      contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "ci" } }],
    }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(method: string, url: string, body: Json, options: ClusterOptions): [number, Json] {
  const { rules = DEPLOYED_RULES, objects = {}, isAdministrator = true } = options;
  if (options.isAuthenticated === false) return refusal(401, "Unauthorized");
  if (url === "/version") return [200, { gitVersion: "v1.34.4" }];
  if (/accessreviews$/.test(url)) {
    if (url.includes("localsubject") && !isAdministrator)
      return refusal(403, "localsubjectaccessreviews is forbidden");
    const { resourceAttributes, user } = body.spec as {
      resourceAttributes: Record<string, string>;
      user?: string;
    };
    const isKnown = user === undefined || user === "system:serviceaccount:ci:default";
    return [201, { ...body, status: { allowed: isKnown && allows(rules, resourceAttributes) } }];
  }
  if (method === "POST" && url.includes("/workflowtaskresults?dryRun=All")) {
    if (options.hasTaskResults === false)
      return refusal(404, "the server could not find the requested resource");
    if (options.refusal) return refusal(403, options.refusal);
    return [201, body];
  }
  if (!isAdministrator) return refusal(403, `${url} is forbidden`);
  const object = objects[url];
  return object ? [200, object] : refusal(404, `${url} not found`);
}

function allows(
  rules: readonly Rule[],
  { group = "", resource = "", verb = "" }: Record<string, string>,
): boolean {
  return rules.some(
    (rule) =>
      rule.apiGroups.includes(group) && rule.resources.includes(resource) && rule.verbs.includes(verb),
  );
}

function refusal(code: number, message: string): [number, Json] {
  return [
    code,
    { kind: "Status", status: "Failure", code, reason: code === 403 ? "Forbidden" : "NotFound", message },
  ];
}
