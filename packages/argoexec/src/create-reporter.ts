import { createKubernetesClient, createTaskResultReporter, type TaskResultReporter } from "@skein/kubernetes";
import type { Tracing } from "@skein/telemetry";
import type { ActContext } from "./act-context.ts";
import { buildInfo } from "./build-info.ts";
import { connectionFlags } from "./connection-flags.ts";

/** The Kubernetes part. Loaded by the acts that call the API, when they do. */
export async function createReporter(
  { config, flags, host, log }: ActContext,
  options: { created: boolean; tracing: Tracing; signal: AbortSignal },
): Promise<{ reporter: TaskResultReporter; close(): void }> {
  const { created, signal, tracing } = options;
  const client = await createKubernetesClient({
    flags: connectionFlags(flags),
    env: host.env,
    serviceAccount: host.paths.serviceAccount,
    version: buildInfo.version,
    log,
  });
  const { nodeId, workflowName, workflowUid, instanceId, transientErrorPattern } = config;
  const reporter = createTaskResultReporter({
    client,
    identity: { nodeId, workflowName, workflowUid, instanceId },
    log,
    attempt: (step, work) => tracing.withSpan(step, {}, work),
    signal,
    created,
    transientErrorPattern,
  });
  return { reporter, close: () => client.close() };
}
