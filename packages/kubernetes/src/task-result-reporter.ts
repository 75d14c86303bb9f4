import { setTimeout as delay } from "node:timers/promises";
import {
  API_VERSION,
  ArtifactError,
  errorMessage,
  LABEL_REPORT_OUTPUTS_COMPLETED,
  type Logger,
  newTaskResult,
  type Outputs,
  type TaskResultIdentity,
  type WorkflowTaskResult,
} from "@skein/contract";
import { createAbsenceMemory } from "./after-absence.ts";
import { type Backoff, backoffDelay, INITIALISE_BACKOFF, REPORT_BACKOFF } from "./backoff.ts";
import { KubernetesError } from "./kubernetes-error.ts";
import type { RestClient } from "./rest-client.ts";

/** The span an attempt is made in; names are Argo's. */
export type ReportStep = "createTaskResult" | "patchTaskResult" | "patchTaskResultLabels";

export interface TaskResultReporterOptions {
  client: RestClient;
  identity: TaskResultIdentity;
  log: Logger;
  /** Called around every single attempt, so that each becomes a span. */
  attempt: <T>(step: ReportStep, work: () => Promise<T>) => Promise<T>;
  /** Ends the retries. What was under way fails with the last error. */
  signal: AbortSignal;
  /** `TRANSIENT_ERROR_PATTERN`: errors whose text matches are retried, too. One that is no pattern matches nothing. */
  transientErrorPattern?: string | undefined;
  /** That an earlier process created the object. Default false. */
  created?: boolean;
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
}

/** Reports by a WorkflowTaskResult, as contract §14 says. Transient errors are retried until the signal ends it. */
export interface TaskResultReporter {
  /** Creates the object with the label "not complete"; one that exists is left as it is. */
  initialize(): Promise<void>;
  /** Replaces parameters, artifacts and result as a whole. */
  report(outputs: Outputs): Promise<void>;
  /** The same, tried once: for what will be reported again. */
  reportOnce(outputs: Outputs): Promise<void>;
  progress(value: string): Promise<void>;
  /**
   * Sets the label that makes the controller read the outputs. An object that was there and has been deleted meanwhile is
   * created again before, with what was last reported: without it, the controller would wait for outputs it never gets.
   */
  finalize(): Promise<void>;
}

const RBAC_HINT =
  "failed to patch task result, see https://argo-workflows.readthedocs.io/en/latest/workflow-rbac/";

/** etcd's default limit for one request: https://etcd.io/docs/v3.5/dev-guide/limit/ */
const ETCD_REQUEST_BYTES = 1.5 * 1024 * 1024;

/** Nothing a `Retry-After` header may ask for keeps a finished pod longer than this between two attempts. */
const MAX_RETRY_AFTER_MS = 60_000;

type Content = Pick<WorkflowTaskResult, "outputs" | "progress">;

export function createTaskResultReporter(options: TaskResultReporterOptions): TaskResultReporter {
  const { client, identity } = options;
  const collection = `/apis/${API_VERSION}/namespaces/${encodeURIComponent(client.namespace)}/workflowtaskresults`;
  const object = `${collection}/${encodeURIComponent(identity.nodeId)}`;
  const { signal } = options;
  let created = options.created ?? false;
  /** What the object has to hold when it must be created again. */
  let reported: Content = {};

  const post = async (content: Content): Promise<void> => {
    await client.send({ method: "POST", path: collection, body: newTaskResult(identity, content), signal });
    created = true;
  };
  const patch = (body: object): Promise<unknown> =>
    client.send({ method: "PATCH", path: object, body, contentType: "application/merge-patch+json", signal });

  /**
   * Contract §14.2: POST until the object is known to exist, then PATCH; a conflict or a loss changes sides. Bounded,
   * because an object that some other client keeps creating and deleting would never end it.
   */
  const upsert = async (content: Content): Promise<void> => {
    for (let changes = 0; ; changes++) {
      try {
        if (created) await patch({ metadata: {}, ...content });
        else await post({ ...reported, ...content });
        reported = { ...reported, ...content };
        return;
      } catch (error) {
        const other = created ? isReason(error, 404) : isReason(error, 409, "AlreadyExists");
        if (!other || changes === 3) throw error;
        created = !created;
      }
    }
  };

  const complete = (): Promise<unknown> =>
    patch({ metadata: { labels: { [LABEL_REPORT_OUTPUTS_COMPLETED]: "true" } } });

  return {
    initialize: () => retry(options, "createTaskResult", INITIALISE_BACKOFF, () => upsert({})),
    report: async (outputs) => {
      const content = { outputs };
      await retry(options, "patchTaskResult", REPORT_BACKOFF, () => upsert(content)).catch(
        (error: unknown) => {
          throw explainSize(error, content);
        },
      );
    },
    reportOnce: (outputs) => options.attempt("patchTaskResult", () => upsert({ outputs })),
    progress: (progress) => retry(options, "patchTaskResult", REPORT_BACKOFF, () => upsert({ progress })),
    finalize: () => {
      let isLost = false;
      return retry(options, "patchTaskResultLabels", INITIALISE_BACKOFF, async () => {
        if (!isLost) {
          try {
            await complete();
            return;
          } catch (error) {
            // Where nothing was ever created, there is nothing to complete: the error says why (contract §14.2).
            if (!created || !isReason(error, 404)) throw error;
            isLost = true;
            created = false;
          }
        }
        await upsert({});
        await complete();
      });
    },
  };
}

async function retry(
  options: TaskResultReporterOptions,
  step: ReportStep,
  backoff: Backoff,
  work: () => Promise<void>,
): Promise<void> {
  const { log, signal, sleep = sleepUntil, random = Math.random } = options;
  const pattern = parsePattern(options.transientErrorPattern);
  const afterAbsence = createAbsenceMemory();
  for (let attempt = 0; ; attempt++) {
    try {
      return await options.attempt(step, work);
    } catch (error) {
      const refused = error instanceof KubernetesError && (error.status === 403 || error.status === 404);
      if (refused) log.warn(RBAC_HINT, { attempt, error });
      else if (attempt % 20 === 0)
        log.warn("failed to patch task result", { attempt, error: error as Error });
      const isTransient =
        (error instanceof ArtifactError && error.transient) || pattern?.test(errorMessage(error));
      const settlingMs = afterAbsence(error);
      if (!(isTransient || settlingMs !== undefined) || signal.aborted) throw error;
      const asked =
        error instanceof KubernetesError ? Math.min(error.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
      await sleep(settlingMs ?? Math.max(backoffDelay(backoff, attempt, random), asked), signal);
      // Told to stop while waiting: the last error says more than "aborted".
      if (signal.aborted) throw error;
    }
  }
}

function parsePattern(text: string | undefined): RegExp | undefined {
  try {
    return text ? new RegExp(text) : undefined;
  } catch {
    return undefined; // contract §21.1, item 11
  }
}

async function sleepUntil(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // Aborted; the caller looks at the signal.
  }
}

function isReason(error: unknown, status: number, reason?: string): boolean {
  return (
    error instanceof KubernetesError &&
    error.status === status &&
    (reason === undefined || error.reason === reason)
  );
}

function explainSize(error: unknown, content: Content): unknown {
  if (!(error instanceof KubernetesError) || error.code !== "kubernetes.too_large") return error;
  const bytes = Buffer.byteLength(JSON.stringify(content));
  const largest = (content.outputs?.parameters ?? [])
    .map(({ name, value }) => ({ name, bytes: Buffer.byteLength(value ?? "") }))
    .sort((a, b) => b.bytes - a.bytes)[0];
  const culprit = largest ? `; the largest parameter is '${largest.name}' with ${largest.bytes} bytes` : "";
  return new ArtifactError(
    `the outputs are too large for one task result: ${bytes} bytes, etcd takes about ${ETCD_REQUEST_BYTES}${culprit}: ${error.message}`,
    { code: "kubernetes.too_large", remedy: error.remedy ?? "make large parameters artifacts", cause: error },
  );
}
