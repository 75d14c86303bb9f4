import { API_VERSION, errorMessage, LABEL_WORKFLOW, type Logger } from "@skein/contract";
import { KubernetesError, type RestClient } from "@skein/kubernetes";
import { isRecord } from "./read-objects.ts";
import type { PodObject, WorkflowObject } from "./workflow-object.ts";

/** A new version of a workflow, or its removal. */
export interface WorkflowChange {
  type: "changed" | "deleted";
  workflow: WorkflowObject;
}

/** Workflows and pods, as the API server has them. */
export interface WorkflowSource {
  readonly namespace: string;
  /** @throws KubernetesError, among others for a workflow that is not there */
  get(name: string): Promise<WorkflowObject>;
  /** The pods of a workflow; none when reading pods is not allowed, which is said once. */
  pods(workflowName: string): Promise<PodObject[]>;
  /** All workflows of the namespace as they are, then as they change, until the signal says stop. */
  watch(signal: AbortSignal): AsyncIterable<WorkflowChange>;
}

/** The server ends a watch after this long; an idle connection is not kept for hours through proxies. */
const WATCH_SECONDS = 290;
/** Before the list is asked for again after a failure. Grows to the second. */
const RETRY_MS = { first: 500, last: 30_000 };

export function createWorkflowSource(client: RestClient, log: Logger): WorkflowSource {
  const namespace = encodeURIComponent(client.namespace);
  const workflows = `/apis/${API_VERSION}/namespaces/${namespace}/workflows`;
  let mayReadPods = true;
  return {
    namespace: client.namespace,
    get: async (name) =>
      (await client.send({
        method: "GET",
        path: `${workflows}/${encodeURIComponent(name)}`,
      })) as WorkflowObject,
    async pods(workflowName) {
      if (!mayReadPods) return [];
      const selector = encodeURIComponent(`${LABEL_WORKFLOW}=${workflowName}`);
      try {
        const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`;
        return itemsOf(await client.send({ method: "GET", path })) as PodObject[];
      } catch (error) {
        if (!(error instanceof KubernetesError) || error.status !== 403) throw error;
        mayReadPods = false;
        log.warn(
          "pods cannot be read, so when they began to run is known from watching only; to allow it, give list on pods",
          {
            error: error.message,
          },
        );
        return [];
      }
    },
    watch: (signal) => watch(client, workflows, signal, log),
  };
}

/** Lists, then follows from the list's version on; lists anew when that version is gone or something failed. */
async function* watch(
  client: RestClient,
  path: string,
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<WorkflowChange> {
  let delayMs = RETRY_MS.first;
  let version: string | undefined;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await client.send({ method: "GET", path, signal });
        for (const workflow of itemsOf(list)) yield { type: "changed", workflow: workflow as WorkflowObject };
        version = versionOf(list);
      }
      const openedAt = performance.now();
      const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${version}`;
      for await (const line of client.lines({ method: "GET", path: `${path}?${query}`, signal })) {
        const { type, object } = parseEvent(line);
        if (type === "ERROR")
          throw new Error(`the watch was ended: ${String(object.message ?? "no reason given")}`);
        version = versionOf(object) ?? version;
        delayMs = RETRY_MS.first;
        if (type === "BOOKMARK") continue;
        yield {
          type: type === "DELETED" ? "deleted" : "changed",
          workflow: object as unknown as WorkflowObject,
        };
      }
      // A server or proxy that ends every watch at once must not be asked without a pause.
      if (performance.now() - openedAt < RETRY_MS.first) await pause(RETRY_MS.first, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof KubernetesError && (error.status === 403 || error.status === 404)) throw error;
      log.info("workflows are listed again", { error: errorMessage(error), delayMs });
      version = undefined; // 410 Gone among others: what happened in between is in the list
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, RETRY_MS.last);
    }
  }
}

function parseEvent(line: string): { type: string; object: Record<string, unknown> } {
  const event: unknown = JSON.parse(line);
  if (!isRecord(event) || !isRecord(event.object))
    throw new Error(`not an event of a watch: ${line.slice(0, 200)}`);
  return { type: String(event.type), object: event.object };
}

function itemsOf(list: unknown): unknown[] {
  return isRecord(list) && Array.isArray(list.items) ? list.items : [];
}

function versionOf(value: unknown): string | undefined {
  const metadata = isRecord(value) ? value.metadata : undefined;
  return isRecord(metadata) && typeof metadata.resourceVersion === "string"
    ? metadata.resourceVersion
    : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
