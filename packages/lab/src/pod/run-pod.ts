import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  errorMessage,
  LABEL_REPORT_OUTPUTS_COMPLETED,
  MAIN_CONTAINER,
  type WorkflowTaskResult,
} from "@skein/contract";
import type { PodOutcome, PodRequest } from "../engine/engine-context.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { ControllerTrace } from "../trace/controller-trace.ts";
import type { WorkflowIdentity } from "../workflow/globals.ts";
import type { Secrets, Volume } from "../workflow/types.ts";
import type { ExecutorSettings } from "./executor-settings.ts";
import { assessContainer, assessPod, type ContainerEnd } from "./pod-outcome.ts";
import { type PlannedContainer, type PodPlan, planPod } from "./pod-spec.ts";
import { createTerminator, type Terminator } from "./terminator.ts";

export interface PodRunnerParts {
  sandbox: Sandbox;
  identity: WorkflowIdentity;
  settings: ExecutorSettings;
  secrets: Secrets;
  workflowVolumes: readonly Volume[];
  trace: Pick<ControllerTrace, "beginPod">;
  /** What the executor has reported for a node. */
  taskResult(nodeId: string): WorkflowTaskResult | undefined;
  /** Gets `<pod>/<container>.{log,termination}`, which stay. */
  podsDirectory: string;
  /** Gets `<pod>/…`, volumes and root file systems, which are removed with the lab. */
  stateDirectory: string;
  /** Aborted to stop all pods in the way of contract §18; its reason is not used. */
  signal: AbortSignal;
  /** Aborted to end all pods at once. Default never. */
  killSignal?: AbortSignal;
  /** Milliseconds from SIGTERM to SIGKILL, where the pod does not say. Default 30 000, as in a cluster. */
  gracePeriodMs?: number;
}

/** How long a controller takes to hear of a container's end and to act on it. */
const CONTROLLER_LATENCY_MS = 1000;

/** Runs pods as a kubelet would: init containers one after the other, then all others side by side. */
export function createPodRunner(parts: PodRunnerParts): (request: PodRequest) => Promise<PodOutcome> {
  return async (request) => {
    const pod = createPod(parts, request);
    const ends: ContainerEnd[] = [];
    try {
      for (const container of pod.plan.init) {
        const started = await pod.start(container);
        pod.created();
        const end = await started.end;
        ends.push(end);
        if (end.exitCode !== 0) break;
      }
      const ready = ends.every((end) => end.exitCode === 0) && !parts.signal.aborted;
      if (ready) ends.push(...(await runSideBySide(request, pod)));
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
    return { ...completeness(pod.plan, assessPod(ends), result), outputs };
  };
}

interface RunningContainer {
  terminator: Terminator;
  end: Promise<ContainerEnd>;
}

interface Pod {
  plan: PodPlan;
  /** Ends the span under which the pod was made. */
  created(): void;
  /** The container that was started last, or was to be. */
  current(): string;
  start(container: PlannedContainer): Promise<RunningContainer>;
}

function createPod(parts: PodRunnerParts, request: PodRequest): Pod {
  const { identity, settings, secrets, workflowVolumes, signal, killSignal } = parts;
  const files = join(parts.podsDirectory, request.podName);
  const state = join(parts.stateDirectory, request.podName);
  mkdirSync(files, { recursive: true });
  const seconds = request.terminationGracePeriodSeconds;
  const gracePeriodMs = seconds === undefined ? (parts.gracePeriodMs ?? 30_000) : seconds * 1000;
  const { context: trace, created } = parts.trace.beginPod(request.node);
  const facts = { request, identity, settings, podUid: randomUUID(), trace };
  const plan = planPod(facts, join(state, "volumes"), { secrets, workflowVolumes });
  let current = "";
  let pending = true;
  return {
    plan,
    created: () => {
      if (pending) created();
      pending = false;
    },
    current: () => current,
    start: async ({ name, role, plan: container }) => {
      current = name;
      const terminationLog = join(files, `${name}.termination`);
      const process = await parts.sandbox.start({
        ...container(),
        terminationLog,
        log: join(files, `${name}.log`),
        stateDirectory: join(state, "containers", name),
      });
      const terminator = createTerminator(process, { gracePeriodMs, signal, killSignal });
      const end = process.exitCode.then((exitCode): ContainerEnd => {
        terminator.forget();
        return { name, role, exitCode, terminationMessage: readFileSync(terminationLog, "utf8") };
      });
      return { terminator, end };
    },
  };
}

/** The auxiliary container, the main ones and the sidecars; when the main ones are done, the controller ends what is left. */
async function runSideBySide(request: PodRequest, pod: Pod): Promise<ContainerEnd[]> {
  const running = new Map<PlannedContainer, RunningContainer>();
  try {
    for (const container of pod.plan.containers) {
      const started = await pod.start(container);
      running.set(container, started);
      pod.created();
      if (container.role !== "main") continue;
      request.onRunning();
      request.onContainer(container.name, { phase: "Running", message: "" });
      void started.end.then((end) => request.onContainer(end.name, assessContainer(end)));
    }
  } catch (error) {
    // Nobody will ever write the exit code that the others wait for.
    for (const { terminator } of running.values()) terminator.kill();
    await Promise.all([...running.values()].map(({ end }) => end));
    throw error;
  }
  const mains = [...running].flatMap(([{ role }, { end }]) => (role === "main" ? [end] : []));
  const ends = Promise.all([...running.values()].map(({ end }) => end));
  await untilDone(mains);
  const terminate = setTimeout(() => terminateRest(running), CONTROLLER_LATENCY_MS);
  const all = await ends;
  clearTimeout(terminate);
  return all;
}

/** A pod's work is done when the first main container has failed, or all have ended (contract §1.8). */
async function untilDone(mains: readonly Promise<ContainerEnd>[]): Promise<void> {
  const failed = new Promise<void>((resolve) => {
    for (const main of mains) void main.then(({ exitCode }) => exitCode !== 0 && resolve());
  });
  await Promise.race([failed, Promise.all(mains)]);
}

/** `kill 15 1` in every container, `kill 9 1` after the grace period; the auxiliary one may finish its work nevertheless. */
function terminateRest(running: ReadonlyMap<PlannedContainer, RunningContainer>): void {
  for (const [{ role }, { terminator }] of running) {
    if (role === "auxiliary") terminator.terminate();
    else terminator.stop();
  }
}

/** A node does not succeed before its executor has said that all outputs are there. */
function completeness(
  { containers }: PodPlan,
  assessed: Pick<PodOutcome, "phase" | "message">,
  result: WorkflowTaskResult | undefined,
): Pick<PodOutcome, "phase" | "message"> {
  if (assessed.phase !== "Succeeded") return assessed;
  if (result?.metadata.labels[LABEL_REPORT_OUTPUTS_COMPLETED] === "true") return assessed;
  const name = containers.find(({ role }) => role === "auxiliary")?.name;
  return { phase: "Error", message: `the ${name} container ended without completing its task result` };
}
