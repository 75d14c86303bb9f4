import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LABEL_REPORT_OUTPUTS_COMPLETED, newTaskResult, type WorkflowTaskResult } from "@skein/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PodRequest } from "../engine/engine-context.ts";
import type { ContainerSpec, Sandbox, SandboxOptions } from "../sandbox/sandbox.ts";
import type { SandboxProcess } from "../sandbox/sandbox-process.ts";
import { createPodRunner, type PodRunnerParts } from "./run-pod.ts";

/** What a container does. */
type Behaviour = (spec: ContainerSpec, process: FakeProcess) => void;

class FakeProcess implements SandboxProcess {
  readonly pid = 1;
  readonly signals: NodeJS.Signals[] = [];
  readonly exitCode: Promise<number>;
  /** How often it is asked for its handler before it has one. */
  startsUpFor = 0;
  asked = 0;
  onSignal: (signal: NodeJS.Signals) => void = () => undefined;
  end: (code: number) => void = () => undefined;
  constructor() {
    this.exitCode = new Promise((resolve) => {
      this.end = resolve;
    });
  }
  catches(): boolean {
    this.asked += 1;
    this.startsUpFor -= 1;
    return this.startsUpFor < 0;
  }
  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    this.onSignal(signal);
  }
}

/** Stands in for the mounts: containers are behaviours, by their names. */
function createFakeSandbox(behaviours: Record<string, Behaviour>) {
  const started: string[] = [];
  const processes = new Map<string, FakeProcess>();
  const sandbox: Sandbox = {
    options: {} as SandboxOptions,
    start: async (spec) => {
      const name = spec.environment.ARGO_CONTAINER_NAME ?? "";
      started.push(name);
      const process = new FakeProcess();
      processes.set(name, process);
      writeFileSync(spec.terminationLog, "");
      behaviours[name]?.(spec, process);
      return process;
    },
  };
  return { sandbox, started, processes };
}

const ENDS_WELL: Behaviour = (_spec, process) => process.end(0);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lab-run-pod-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function completed(
  labels: Record<string, string> = { [LABEL_REPORT_OUTPUTS_COMPLETED]: "true" },
): WorkflowTaskResult {
  const result = newTaskResult(
    { nodeId: "wf-1", workflowName: "wf", workflowUid: "u" },
    { outputs: { result: "r" } },
  );
  return { ...result, metadata: { ...result.metadata, labels: { ...result.metadata.labels, ...labels } } };
}

function runPod(sandbox: Sandbox, parts: Partial<PodRunnerParts> = {}, changes: Partial<PodRequest> = {}) {
  const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 };
  const run = createPodRunner({
    sandbox,
    identity: { name: "wf", uid: "u", namespace: "argo", createdAt: new Date() },
    settings: {
      layout: "init",
      executorDirectory: directory,
      traceEndpoint: "http://127.0.0.1:1",
      kubeconfig: directory,
      serviceAccount: directory,
      userPath: "/bin",
      executorEnvironment: {},
    },
    secrets: new Map(),
    workflowVolumes: [],
    trace: { beginPod: () => ({ context: trace, created: () => undefined }) },
    taskResult: () => completed(),
    podsDirectory: join(directory, "pods"),
    stateDirectory: join(directory, "state"),
    signal: new AbortController().signal,
    ...parts,
  });
  const request = {
    node: { id: "wf-1", name: "wf" },
    podName: "wf",
    template: { name: "t", container: { command: ["true"] } },
    includeScriptOutput: false,
    deadline: undefined,
    terminationGracePeriodSeconds: undefined,
    onRunning: () => undefined,
    onContainer: () => undefined,
    ...changes,
  };
  return run(request as unknown as PodRequest);
}

describe("createPodRunner", () => {
  it("runs init to its end, then wait and main, and takes what the executor reported", async () => {
    const { sandbox, started } = createFakeSandbox({ init: ENDS_WELL, wait: ENDS_WELL, main: ENDS_WELL });
    const running: true[] = [];
    const outcome = await runPod(sandbox, {}, { onRunning: () => void running.push(true) });
    expect(started).toEqual(["init", "wait", "main"]);
    expect(outcome).toEqual({ phase: "Succeeded", message: "", outputs: { result: "r", exitCode: "0" } });
    expect(running).toEqual([true]);
  });

  it("starts nothing else when init failed, and passes its termination message on", async () => {
    const { sandbox, started } = createFakeSandbox({
      init: (spec, process) => {
        writeFileSync(spec.terminationLog, "required artifact 'a' not supplied");
        process.end(64);
      },
    });
    expect(await runPod(sandbox, { taskResult: () => undefined })).toEqual({
      phase: "Error",
      message: "init: Error (exit code 64): required artifact 'a' not supplied",
      outputs: {},
    });
    expect(started).toEqual(["init"]);
  });

  it("keeps what was reported of a main that failed, with its exit code", async () => {
    const { sandbox } = createFakeSandbox({
      init: ENDS_WELL,
      wait: ENDS_WELL,
      main: (_, process) => process.end(3),
    });
    expect(await runPod(sandbox)).toEqual({
      phase: "Failed",
      message: "main: Error (exit code 3)",
      outputs: { result: "r", exitCode: "3" },
    });
  });

  it("terminates a wait that is still at work some time after main, and lets it finish", async () => {
    const { sandbox, processes } = createFakeSandbox({
      init: ENDS_WELL,
      main: ENDS_WELL,
      wait: (_, process) => {
        process.onSignal = () => process.end(0);
      },
    });
    expect((await runPod(sandbox)).phase).toBe("Succeeded");
    expect(processes.get("wait")?.signals).toEqual(["SIGTERM"]);
  });

  it("does not believe a wait that ended without completing its report", async () => {
    const { sandbox } = createFakeSandbox({ init: ENDS_WELL, wait: ENDS_WELL, main: ENDS_WELL });
    const taskResult = () => completed({ [LABEL_REPORT_OUTPUTS_COMPLETED]: "false" });
    expect(await runPod(sandbox, { taskResult })).toMatchObject({
      phase: "Error",
      message: "the wait container ended without completing its task result",
    });
  });

  it("stops its containers with SIGTERM, and after the grace period with SIGKILL", async () => {
    const stop = new AbortController();
    const { sandbox, processes } = createFakeSandbox({
      init: ENDS_WELL,
      wait: (_, process) => {
        process.onSignal = () => process.end(0);
      },
      main: (_, process) => {
        process.onSignal = (signal) => signal === "SIGKILL" && process.end(137);
        stop.abort();
      },
    });
    const outcome = await runPod(sandbox, { signal: stop.signal, gracePeriodMs: 1 });
    expect(outcome).toMatchObject({ phase: "Failed", message: "main: Error (exit code 137)" });
    expect(processes.get("main")?.signals).toEqual(["SIGTERM", "SIGKILL"]);
    expect(processes.get("wait")?.signals).toEqual(["SIGTERM"]);
  });

  it("does not waste a signal on a program that has no handler yet", async () => {
    const stop = new AbortController();
    const { sandbox, processes } = createFakeSandbox({
      init: (_, process) => {
        process.startsUpFor = 2;
        process.onSignal = () => process.end(process.startsUpFor < 0 ? 143 : 1);
        stop.abort();
      },
    });
    expect((await runPod(sandbox, { signal: stop.signal })).message).toBe("init: Error (exit code 143)");
    expect(processes.get("init")?.signals).toEqual(["SIGTERM"]);
  });

  it("calls a container that cannot be made what a kubelet calls it, and leaves no wait behind", async () => {
    const { sandbox, processes } = createFakeSandbox({
      init: ENDS_WELL,
      wait: (_, process) => {
        process.onSignal = () => process.end(137);
      },
      main: () => {
        throw new Error("mount: /x: permission denied");
      },
    });
    expect(await runPod(sandbox)).toEqual({
      phase: "Error",
      message:
        "Pod failed before main container starts due to CreateContainerError: mount: /x: permission denied",
      outputs: {},
    });
    expect(processes.get("wait")?.signals).toEqual(["SIGKILL"]);
  });

  it("runs the user's init containers after its own, and nothing more once one has failed", async () => {
    const template = {
      name: "t",
      container: { command: ["true"] },
      initContainers: ["one", "two"].map((name) => ({ name, command: ["true"] })),
    };
    const { sandbox, started } = createFakeSandbox({
      init: ENDS_WELL,
      one: (_, process) => process.end(5),
    });
    expect(await runPod(sandbox, {}, { template })).toMatchObject({
      phase: "Failed",
      message: "one: Error (exit code 5)",
    });
    expect(started).toEqual(["init", "one"]);
  });

  it("ends sidecars when main has ended: SIGTERM, and SIGKILL after the pod's grace period", async () => {
    const { sandbox, processes } = createFakeSandbox({
      init: ENDS_WELL,
      wait: ENDS_WELL,
      main: ENDS_WELL,
      polite: (_, process) => {
        process.onSignal = () => process.end(143);
      },
      deaf: (_, process) => {
        process.onSignal = (signal) => signal === "SIGKILL" && process.end(137);
      },
    });
    const template = {
      name: "t",
      container: { command: ["true"] },
      sidecars: ["polite", "deaf"].map((name) => ({ name, command: ["serve"] })),
    };
    const outcome = await runPod(sandbox, { gracePeriodMs: 1 }, { template });
    expect(outcome).toMatchObject({ phase: "Succeeded", message: "" });
    expect(processes.get("polite")?.signals).toEqual(["SIGTERM"]);
    expect(processes.get("deaf")?.signals).toEqual(["SIGTERM", "SIGKILL"]);
  });

  it("ends the other containers of a set when one has failed, and tells of each", async () => {
    const { sandbox, processes } = createFakeSandbox({
      init: ENDS_WELL,
      wait: (_, process) => {
        process.onSignal = () => process.end(0);
      },
      a: (_, process) => process.end(3),
      b: (_, process) => {
        process.onSignal = () => process.end(64);
      },
    });
    const template = {
      name: "t",
      containerSet: { containers: ["a", "b"].map((name) => ({ name, command: ["x"] })) },
    };
    const told: string[] = [];
    const outcome = await runPod(
      sandbox,
      {},
      { template, onContainer: (name, { phase }) => void told.push(`${name} ${phase}`) },
    );
    expect(outcome).toMatchObject({ phase: "Failed", message: "a: Error (exit code 3)" });
    expect(outcome.outputs).not.toHaveProperty("exitCode");
    expect(processes.get("b")?.signals).toEqual(["SIGTERM"]);
    // Whoever has ended is left alone: it would never have a handler, and be waited for without end.
    expect(processes.get("a")?.asked).toBe(0);
    expect(told).toEqual(["a Running", "a Failed", "b Running", "b Error"]);
  });

  it("kills everything at once when it is told to", async () => {
    const stop = new AbortController();
    const kill = new AbortController();
    const dies = (_: ContainerSpec, process: FakeProcess): void => {
      process.onSignal = (signal) => signal === "SIGKILL" && process.end(137);
    };
    const { sandbox } = createFakeSandbox({ init: ENDS_WELL, wait: dies, main: dies });
    const onRunning = (): void => {
      stop.abort();
      kill.abort();
    };
    const outcome = await runPod(sandbox, { signal: stop.signal, killSignal: kill.signal }, { onRunning });
    expect(outcome).toMatchObject({ phase: "Failed", message: "main: Error (exit code 137)" });
  });
});
