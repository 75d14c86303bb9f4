import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  errorMessage,
  INIT_CONTAINER,
  LABEL_REPORT_OUTPUTS_COMPLETED,
  MAIN_CONTAINER,
  WAIT_CONTAINER,
  type WorkflowTaskResult,
} from "@skein/contract";
import type { PodOutcome, PodRequest } from "../engine/engine-context.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { SandboxProcess } from "../sandbox/sandbox-process.ts";
import type { ControllerTrace } from "../trace/controller-trace.ts";
import type { WorkflowIdentity } from "../workflow/globals.ts";
import type { Secrets, Volume } from "../workflow/types.ts";
import type { ExecutorSettings } from "./executor-settings.ts";
import { assessPod, type ContainerEnd } from "./pod-outcome.ts";
import { type ContainerPlan, type PodPlan, planPod } from "./pod-spec.ts";

export interface PodRunnerParts {
  sandbox: Sandbox;
  identity: WorkflowIdentity;
  settings: ExecutorSettings;
  secrets: Secrets;
  workflowVolumes: readonly Volume[];
  trace: Pick<ControllerTrace, "beginPod">;
  /** What the executor has reported for a node. */
  taskResult(nodeId: string): WorkflowTaskResult | undefined;
  /** Gets `<pod>/{init,main,wait}.{log,termination}`, which stay. */
  podsDirectory: string;
  /** Gets `<pod>/…`, volumes and root file systems, which are removed with the lab. */
  stateDirectory: string;
  /** Aborted to stop all pods in the way of contract §18; its reason is not used. */
  signal: AbortSignal;
  /** Milliseconds from SIGTERM to SIGKILL when the pods are stopped. Default 30 000, as in a cluster. */
  gracePeriodMs?: number;
}

/** How long a controller takes to hear of a container's end and to act on it. */
const CONTROLLER_LATENCY_MS = 1000;

/** Between two looks at whether a program has its signal handler; it takes some milliseconds to get there. */
const HANDLER_POLL_MS = 20;

type ContainerName = typeof INIT_CONTAINER | typeof MAIN_CONTAINER | typeof WAIT_CONTAINER;

/** Runs pods as a kubelet would: `init` to its end, then `wait` and `main` side by side. */
export function createPodRunner(parts: PodRunnerParts): (request: PodRequest) => Promise<PodOutcome> {
  return async (request) => {
    const pod = createPod(parts, request);
    const ends: ContainerEnd[] = [];
    try {
      const init = await pod.start(INIT_CONTAINER, pod.plan.init);
      pod.created();
      ends.push(await init.end);
      if (ends[0]?.exitCode === 0) ends.push(...(await runMainAndWait(parts, request, pod)));
    } catch (error) {
      return {
        phase: "Error",
        message: `Pod failed before ${pod.current()} container starts due to CreateContainerError: ${errorMessage(error)}`,
        outputs: {},
      };
    }
    const result = parts.taskResult(request.node.id);
    const main = ends.find((end) => end.name === MAIN_CONTAINER);
    const outputs = {
      ...result?.outputs,
      ...(main ? { exitCode: String(main.exitCode) } : {}),
    };
    return { ...completeness(assessPod(ends), result), outputs };
  };
}

interface RunningContainer {
  process: SandboxProcess;
  end: Promise<ContainerEnd>;
}

interface Pod {
  plan: PodPlan;
  /** Ends the span under which the pod was made. */
  created(): void;
  /** The container that was started last, or was to be. */
  current(): ContainerName;
  start(name: ContainerName, plan: ContainerPlan): Promise<RunningContainer>;
}

function createPod(parts: PodRunnerParts, request: PodRequest): Pod {
  const { identity, settings, secrets, workflowVolumes } = parts;
  const files = join(parts.podsDirectory, request.podName);
  const state = join(parts.stateDirectory, request.podName);
  mkdirSync(files, { recursive: true });
  const { context: trace, created } = parts.trace.beginPod(request.node);
  const facts = { request, identity, settings, podUid: randomUUID(), trace };
  const plan = planPod(facts, join(state, "volumes"), { secrets, workflowVolumes });
  let current: ContainerName = INIT_CONTAINER;
  return {
    plan,
    created,
    current: () => current,
    start: async (name, container) => {
      current = name;
      const terminationLog = join(files, `${name}.termination`);
      const process = await parts.sandbox.start({
        ...container,
        terminationLog,
        log: join(files, `${name}.log`),
        stateDirectory: join(state, "containers", name),
      });
      const forget = stopWith(parts, process);
      const end = process.exitCode.then((exitCode): ContainerEnd => {
        forget();
        return { name, exitCode, terminationMessage: readFileSync(terminationLog, "utf8") };
      });
      return { process, end };
    },
  };
}

async function runMainAndWait(parts: PodRunnerParts, request: PodRequest, pod: Pod): Promise<ContainerEnd[]> {
  if (parts.signal.aborted) return [];
  const wait = await pod.start(WAIT_CONTAINER, pod.plan.wait());
  let main: RunningContainer;
  try {
    main = await pod.start(MAIN_CONTAINER, pod.plan.main());
  } catch (error) {
    wait.process.kill("SIGKILL"); // nobody will ever write the exit code it waits for
    await wait.end;
    throw error;
  }
  request.onRunning();
  const mainEnd = await main.end;
  // The controller terminates what still runs once it has seen main's end; wait must finish its work nevertheless.
  const terminate = setTimeout(() => wait.process.kill("SIGTERM"), CONTROLLER_LATENCY_MS);
  const waitEnd = await wait.end;
  clearTimeout(terminate);
  return [mainEnd, waitEnd];
}

/** Stops a container when the run is stopped: `kill 15 1`, and after the grace period `kill 9 1`. */
function stopWith({ signal, gracePeriodMs = 30_000 }: PodRunnerParts, process: SandboxProcess): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const terminate = (): void => {
    // A program that has just been started has no handler yet, and would never hear of the signal.
    if (process.catches("SIGTERM")) process.kill("SIGTERM");
    else timers.add(setTimeout(terminate, HANDLER_POLL_MS));
  };
  const stop = (): void => {
    terminate();
    timers.add(setTimeout(() => process.kill("SIGKILL"), gracePeriodMs));
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return () => {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  };
}

/** A node does not succeed before its executor has said that all outputs are there. */
function completeness(
  assessed: Pick<PodOutcome, "phase" | "message">,
  result: WorkflowTaskResult | undefined,
): Pick<PodOutcome, "phase" | "message"> {
  if (assessed.phase !== "Succeeded") return assessed;
  if (result?.metadata.labels[LABEL_REPORT_OUTPUTS_COMPLETED] === "true") return assessed;
  return { phase: "Error", message: "the wait container ended without completing its task result" };
}
