import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createLogger } from "@skein/contract";
import { createRestClient } from "@skein/kubernetes";
import { describe, expect, it } from "vitest";
import { at, newNode, newPod, newWorkflow } from "./testing/objects.ts";
import { followWorkflows, type TracedWorkflow } from "./trace-workflows.ts";
import { createWorkflowSource, type WorkflowSource } from "./watch-workflows.ts";
import type { PodObject, WorkflowObject } from "./workflow-object.ts";

interface ApiServer extends AsyncDisposable {
  source: WorkflowSource;
  /** Path and query of every request, in order. */
  requests: string[];
  list: WorkflowObject[] | 403;
  pods: PodObject[] | 403;
  /** Taken from the front, one for each watch; it stays open until the function ends it. */
  watches: ((response: ServerResponse) => void)[];
  log: string[];
}

/** Lists, pods, and watches whose events the test writes. */
async function serve(): Promise<ApiServer> {
  const requests: string[] = [];
  const log: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    requests.push(url);
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (url.includes("/pods")) {
      if (api.pods === 403) return json(403, { reason: "Forbidden", message: 'cannot list resource "pods"' });
      return json(200, { items: api.pods });
    }
    if (api.list === 403)
      return json(403, { reason: "Forbidden", message: 'cannot list resource "workflows"' });
    if (!url.includes("watch=1")) return json(200, { metadata: { resourceVersion: "10" }, items: api.list });
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    api.watches.shift()?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = createRestClient(
    {
      server: new URL(`http://127.0.0.1:${port}`),
      namespace: "argo",
      tls: {},
      authorization: async () => ({ authorization: "Bearer t" }),
    },
    { userAgent: "test" },
  );
  const logger = createLogger({ write: (line) => log.push(line), level: "info", format: "text" });
  const api: ApiServer = {
    source: createWorkflowSource(client, logger),
    requests,
    log,
    list: [],
    pods: [],
    watches: [],
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        client.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

function event(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function version(workflow: WorkflowObject, resourceVersion: string): WorkflowObject {
  return { ...workflow, metadata: { ...workflow.metadata, resourceVersion } };
}

const pendingNode = newNode({ name: "wf", phase: "Pending", message: "ContainerCreating", finishedAt: null });
const runningNode = newNode({ name: "wf", phase: "Running", finishedAt: null });
const doneNode = newNode({ name: "wf", finishedAt: at(40) });
const pending = version(newWorkflow("Running", [pendingNode]), "11");
const running = version(newWorkflow("Running", [runningNode]), "12");
const done = version(newWorkflow("Succeeded", [doneNode], 41), "13");

/** Follows until the workflow has ended. */
async function followToTheEnd(api: ApiServer): Promise<TracedWorkflow[]> {
  const stop = new AbortController();
  const seen: TracedWorkflow[] = [];
  for await (const traced of followWorkflows(api.source, stop.signal, () => {})) {
    seen.push(traced);
    if (traced.phase === "Succeeded") stop.abort();
  }
  return seen;
}

function spanNames(traced: readonly TracedWorkflow[]): string[] {
  return traced.flatMap(({ spans }) => spans.map((span) => span.name));
}

const WHOLE = ["workflowPhase", "nodePhase", "workflowPhase", "nodePhase", "node", "workflow"];

describe("followWorkflows", () => {
  it("makes each span once, while the workflow goes on", async () => {
    await using api = await serve();
    api.list = [pending];
    api.pods = [newPod("wf", 12)];
    api.watches = [
      (response) => {
        response.write(event("MODIFIED", pending));
        // An event may come in pieces.
        const text = event("MODIFIED", running);
        response.write(text.slice(0, 40));
        response.write(text.slice(40));
        response.write(event("BOOKMARK", { metadata: { resourceVersion: "12" } }));
        response.write(event("MODIFIED", done));
      },
    ];
    expect(spanNames(await followToTheEnd(api))).toEqual(WHOLE);
    expect(api.requests.find((url) => url.includes("watch=1"))).toContain("resourceVersion=10");
  });

  it("goes on from the last version when the server ends the watch", async () => {
    await using api = await serve();
    api.watches = [
      (response) => response.end(event("ADDED", pending) + event("MODIFIED", running)),
      (response) => response.write(event("MODIFIED", done)),
    ];
    expect(spanNames(await followToTheEnd(api))).toEqual(WHOLE);
    expect(api.requests.filter((url) => url.includes("watch=1"))[1]).toContain("resourceVersion=12");
  });

  it("lists again when its version is gone, and says nothing twice", async () => {
    await using api = await serve();
    api.watches = [
      (response) => {
        api.list = [done];
        const gone = event("ERROR", { kind: "Status", code: 410, message: "too old resource version" });
        response.end(event("ADDED", pending) + event("MODIFIED", running) + gone);
      },
    ];
    expect(spanNames(await followToTheEnd(api))).toEqual(WHOLE);
    expect(api.log.join("")).toContain("too old resource version");
  });

  it("does without pods that it may not read, and says so once", async () => {
    await using api = await serve();
    api.pods = 403;
    api.watches = [
      (response) =>
        response.write(event("ADDED", pending) + event("MODIFIED", running) + event("MODIFIED", done)),
    ];
    expect(spanNames(await followToTheEnd(api))).toEqual(WHOLE);
    expect(api.requests.filter((url) => url.includes("/pods"))).toHaveLength(1);
    expect(api.log.join("")).toMatch(/level=WARN.*give list on pods/);
  });

  it("ends with the server's word when workflows may not be read", async () => {
    await using api = await serve();
    api.list = 403;
    await expect(followToTheEnd(api)).rejects.toMatchObject({
      status: 403,
      message: 'cannot list resource "workflows"',
    });
  });
});
