import { existsSync, readFileSync } from "node:fs";
import type { SandboxProcess } from "@skein/lab/testing";
import type { OtlpSpan, OtlpTraceRequest } from "@skein/telemetry";
import type { Cluster } from "./cluster.ts";
import { playController } from "./controller.ts";
import { environmentOf } from "./pod-environment.ts";
import { createPodFiles, type Role } from "./pod-files.ts";
import type { ContainerEnd, PodEnd, PodRequest } from "./pod-request.ts";
import { refuseSecrets } from "./refuse-secrets.ts";

interface Container {
  name: string;
  role: Role;
  argv: readonly string[];
}

/** One start of a container. */
interface Run {
  container: Container;
  process: SandboxProcess;
  terminationLog: string;
}

const LOG_FLAGS = ["--loglevel", "debug", "--log-format", "json", "--gloglevel", "0"];
const NEVER: ContainerEnd = { exitCode: -1, log: "", terminationMessage: "" };

let podCount = 0;

/**
 * Runs one pod as kubelet and controller would (contract §1): in the init layout `init` to its end, then `wait` and
 * the user's containers side by side, each in its own mounts, with nothing but the real front and core in them.
 */
export async function runPod(cluster: Cluster, request: PodRequest): Promise<PodEnd> {
  podCount += 1;
  const name = `pod-${podCount}`;
  const completed = withSidecars(request);
  const files = createPodFiles(cluster, name, completed);
  const { api = () => undefined } = request;
  cluster.api.faults.set(name, api);
  const { shared, volume, input } = files;
  const filesystem = { name, shared, volume, input };
  request.prepare?.(filesystem);

  const starts: Record<string, number> = {};
  const start = async (container: Container): Promise<Run> => {
    const run = starts[container.name] ?? 0;
    starts[container.name] = run + 1;
    const securityContext =
      request.securityContextOf?.[container.name] ?? request.securityContext ?? cluster.securityContext;
    const terminationLog = files.at(`${container.name}.${run}.termination`);
    const process = await cluster.sandbox.start({
      argv: container.argv,
      environment: environmentOf(cluster, name, container, completed),
      mounts: files.mounts(container.role),
      terminationLog,
      log: files.at(`${container.name}.log`),
      stateDirectory: files.at(`state/${container.name}.${run}`),
      ...(container.role === "main" && request.workingDirectory
        ? { workingDirectory: request.workingDirectory }
        : {}),
      ...(securityContext ? { securityContext } : {}),
    });
    await request.onStart?.(container.name, process, filesystem);
    return { container, process, terminationLog };
  };
  const endOf = async (first: Run): Promise<ContainerEnd> => {
    const { container } = first;
    let last = first;
    for (let run = 1; run <= (request.restarts?.[container.name] ?? 0); run++) {
      if ((await last.process.exitCode) === 0) break;
      await request.onRestart?.(container.name);
      last = await start(container);
    }
    return {
      exitCode: await last.process.exitCode,
      log: readFileSync(files.at(`${container.name}.log`), "utf8"),
      terminationMessage: readFileSync(last.terminationLog, "utf8"),
    };
  };

  const { init, others } = containersOf(request);
  const ends: Record<string, ContainerEnd> = {};
  if (init) ends.init = await endOf(await start(init));
  if ((ends.init?.exitCode ?? 0) === 0) {
    const runs: Run[] = [];
    for (const container of others) runs.push(await start(container));
    const containers = Object.fromEntries(runs.map(({ container, process }) => [container.name, process]));
    const [auxiliary] = others;
    const wait = containers[auxiliary?.name ?? ""] as SandboxProcess;
    const requests = () => cluster.api.requests.filter((seen) => seen.name === name);
    const main = containers.main as SandboxProcess;
    await Promise.all([
      request.onRunning?.({ ...filesystem, containers, main, wait, requests }),
      request.controller === false
        ? undefined
        : playController(containers, mainNames(request), (container) =>
            shared(`skein/journal/${container}.jsonl`),
          ),
      ...runs.map(async (run) => {
        ends[run.container.name] = await endOf(run);
      }),
    ]);
  }
  const spans = readSpans(files.at("trace/spans.jsonl"));
  const result = cluster.api.results.get(name);
  refuseSecrets(
    files.at("."),
    [cluster.api.token, cluster.s3.secretKey, ...Object.values(request.secrets ?? {})],
    JSON.stringify([result, cluster.api.requests]),
  );
  const auxiliary = ends.wait ?? ends.supervisor;
  return {
    ...filesystem,
    ends,
    starts,
    init: ends.init ?? NEVER,
    ...(ends.main ? { main: ends.main } : {}),
    ...(auxiliary ? { wait: auxiliary } : {}),
    result,
    requests: cluster.api.requests.filter((seen) => seen.name === name),
    spans,
  };
}

function mainNames({ members }: PodRequest): string[] {
  return members ? Object.keys(members) : ["main"];
}

function withSidecars(request: PodRequest): PodRequest {
  if (!request.sidecars) return request;
  const sidecars = Object.keys(request.sidecars).map((name) => ({ name }));
  return { ...request, template: { ...request.template, sidecars } };
}

/** What runs first, and what runs after it, in the order of the pod's specification. */
function containersOf(request: PodRequest): { init: Container | undefined; others: Container[] } {
  const flags = request.logFlags ?? LOG_FLAGS;
  const initless = request.layout === "initless";
  const front = initless ? "/argo-bin/bin/argoexec" : "/var/run/argo/argoexec";
  const wrapped = (name: string, role: Role, argv: readonly string[]): Container => ({
    name,
    role,
    argv: [front, "emissary", ...flags, "--", ...argv],
  });
  const executor = (name: string, role: Role): Container => ({
    name,
    role,
    argv: ["argoexec", name, ...flags],
  });
  const members = request.members ?? { main: request.argv ?? ["true"] };
  const others = [
    executor(initless ? "supervisor" : "wait", "auxiliary"),
    ...Object.entries(members).map(([name, argv]) =>
      wrapped(name, name === "main" ? "main" : "member", argv),
    ),
    ...Object.entries(request.sidecars ?? {}).map(([name, argv]) => wrapped(name, "sidecar", argv)),
  ];
  return {
    init: initless ? undefined : executor("init", "init"),
    others: others.filter(({ name }) => !request.absent?.includes(name)),
  };
}

function readSpans(file: string): OtlpSpan[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as OtlpTraceRequest)
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
}
