import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { refuseSecrets } from "../../support/pods/refuse-secrets.ts";
import { NAMESPACE, SERVICE_ACCOUNT } from "../cluster/access.ts";
import type { CollectedSpan } from "../cluster/collector.ts";
import type { KubeObject } from "../cluster/kube-client.ts";
import { buildPod } from "../controller/build-pod.ts";
import { watchMains } from "../controller/kill.ts";
import type { Container, EnvVar, Pod, SecurityContext } from "../controller/pod.ts";
import type { ControllerConfig, Step, StepTemplate } from "../controller/step.ts";
import { mainContainers } from "../controller/template-text.ts";
import { judge, type Verdict } from "../controller/verdict.ts";
import type { ControllerVersion } from "../controller/versions.ts";
import type { PodStatus, RunningPod } from "../node/kubelet.ts";
import { CREDENTIALS, type World } from "./world.ts";

/** A step to run, and what happens to its pod meanwhile. */
export interface StepRequest
  extends Partial<
    Pick<
      Step,
      | "includeScriptOutput"
      | "deadline"
      | "activeDeadlineSeconds"
      | "terminationGracePeriodSeconds"
      | "securityContext"
      | "serviceAccountName"
    >
  > {
  template: StepTemplate;
  /** Default true. */
  archiveLogs?: boolean;
  /** Default the combined one. */
  executorImage?: string;
  executorEnv?: EnvVar[];
  executorSecurityContext?: SecurityContext;
  executorResources?: Container["resources"];
  /** Done to the pod as it runs. */
  meanwhile?: (running: RunningPod, step: Step, pod: Pod) => Promise<void>;
  /** What a podSpecPatch of the author does to the pod. */
  patchPod?: (pod: Pod) => void;
  /** Done before the pod is made. */
  beforePod?: (step: Step) => Promise<void>;
  /** Told of the pod when it is there, whatever becomes of it. */
  onPod?: (pod: RunningPod) => void;
  /** False when no controller ends what is left. Default true. */
  isWatched?: boolean;
}

/** What is left of a step, to be compared with what is expected. */
export interface StepEnd {
  step: Step;
  pod: Pod;
  running: RunningPod;
  status: PodStatus;
  verdict: Verdict;
  /** Read back from the API server; `undefined` when there is none. */
  result: TaskResult | undefined;
  log(container: string): string;
  /** All of the step's trace, once it has the named one. */
  spans(until: string): Promise<CollectedSpan[]>;
}

export interface TaskResult extends KubeObject {
  outputs?: {
    parameters?: { name: string; value?: string }[];
    artifacts?: { name: string; path?: string; s3?: { key: string } }[];
    result?: string;
  };
  progress?: string;
}

export const TASK_RESULTS = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflowtaskresults`;
const WORKFLOWS = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows`;
const CONTROLLER_GRACE_SECONDS = 30;

/** Makes a workflow of one step, has its pod built by that controller and run by the kubelet, and waits for its end. */
export async function runStep(
  world: World,
  version: ControllerVersion,
  request: StepRequest,
): Promise<StepEnd> {
  const step = await createStep(world, version, request);
  await request.beforePod?.(step);
  const { pod, offloaded } = buildPod(step, version, configOf(world, version, request));
  request.patchPod?.(pod);
  if (offloaded) {
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
    await world.api.admin.create(path, { metadata: { name: step.podName }, data: offloaded });
  }
  const running = await world.kubelet.run(pod);
  request.onPod?.(running);
  const mains = mainContainers(step.template).map(({ name = "main" }) => name);
  const { terminationGracePeriodSeconds: grace = CONTROLLER_GRACE_SECONDS, isWatched = true } = request;
  const [status] = await Promise.all([
    running.end,
    isWatched ? watchMains(pod, running, mains, grace) : undefined,
    request.meanwhile?.(running, step, pod),
  ]);
  const result = await readResult(world, step.nodeId);
  refuseSecrets(
    running.directory,
    [running.volumes.token(), world.store.secretKey],
    JSON.stringify(result ?? ""),
  );
  const names = (some: readonly { name: string }[] = []): string[] => some.map(({ name }) => name);
  const { initContainers, containers } = pod.spec;
  return {
    step,
    pod,
    running,
    status,
    verdict: judge(status, { initContainers: names(initContainers), containers: names(containers), mains }),
    result,
    log: running.log,
    spans: (until) => spansOf(world, step, version, until),
  };
}

async function createStep({ api }: World, version: ControllerVersion, request: StepRequest): Promise<Step> {
  const { template, serviceAccountName = SERVICE_ACCOUNT } = request;
  const name = `${template.name}-${version.name.replace(".", "-")}-${randomBytes(3).toString("hex")}`;
  const workflow = await api.admin.create(WORKFLOWS, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Workflow",
    metadata: { name },
    spec: {},
  });
  const {
    executorEnv: _,
    executorSecurityContext: __,
    meanwhile: ___,
    isWatched: ____,
    archiveLogs: _____,
    ...rest
  } = request;
  return {
    ...rest,
    workflow: { name, uid: workflow.metadata.uid ?? "" },
    nodeName: name,
    nodeId: name,
    podName: name,
    template,
    serviceAccountName,
    trace: { traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex") },
  };
}

function configOf(world: World, version: ControllerVersion, request: StepRequest): ControllerConfig {
  const { store, collector, images } = world;
  // Both protocols are used: gRPC, which is also upstream's default, by the newest controller.
  const otlp: EnvVar[] = version.traces
    ? [{ name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: collector.grpc }]
    : [
        { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: collector.http },
        { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "http/protobuf" },
      ];
  const { archiveLogs = true, executorEnv = [], executorSecurityContext, executorResources } = request;
  return {
    namespace: NAMESPACE,
    executor: {
      image: request.executorImage ?? images.executor,
      env: [...otlp, ...executorEnv],
      ...(executorResources ? { resources: executorResources } : {}),
      ...(executorSecurityContext ? { securityContext: executorSecurityContext } : {}),
    },
    repository: {
      archiveLogs,
      s3: {
        endpoint: store.endpoint,
        bucket: store.bucket,
        insecure: true,
        accessKeySecret: { name: CREDENTIALS, key: "accesskey" },
        secretKeySecret: { name: CREDENTIALS, key: "secretkey" },
      },
    },
  };
}

async function readResult({ api }: World, nodeId: string): Promise<TaskResult | undefined> {
  try {
    return await api.admin.get<TaskResult>(`${TASK_RESULTS}/${nodeId}`);
  } catch (error) {
    if ((error as { status?: number }).status === 404) return undefined;
    throw error;
  }
}

const SPANS_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

/** Spans pass through the collector, so the last ones may come a moment after the pod's end. */
async function spansOf(
  { collector }: World,
  step: Step,
  { traces }: ControllerVersion,
  until: string,
): Promise<CollectedSpan[]> {
  // Without a context from the controller the trace is the workflow's: docs/tracing.md.
  const traceId = traces ? step.trace.traceId : step.workflow.uid.replaceAll("-", "");
  const deadline = Date.now() + SPANS_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const spans = collector.spans(traceId);
    if (spans.some(({ name }) => name === until)) return spans;
    await delay(POLL_MS);
  }
  const names = collector.spans(traceId).map(({ name }) => name);
  throw new Error(
    `no span ${until} reached the collector for trace ${traceId}; there are: ${names.join(", ")}`,
  );
}
