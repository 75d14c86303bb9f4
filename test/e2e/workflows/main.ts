/**
 * `make e2e-controller`: workflows as users submit them, run by a workflow-controller of Argo's own with Skein in its pods.
 *
 *     node test/e2e/workflows/main.ts [--jobs N] [--tag dev] [--list] [CASE …]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { NAMESPACE } from "../cluster/access.ts";
import { startExecServer } from "../node/exec-server.ts";
import { createNode, type Node } from "../node/node.ts";
import { keepEvidence } from "../suite/evidence.ts";
import { startWorld, type World } from "../suite/world.ts";
import type { WorkflowCase } from "./case.ts";
import { WORKFLOW_CASES } from "./cases.ts";
import { type Controller, publishedDefinitions, startController } from "./controller.ts";
import { submit } from "./submit.ts";

const checkout = join(import.meta.dirname, "../../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: "string", default: "3" },
    list: { type: "boolean", default: false },
    tag: { type: "string", default: "dev" },
  },
});
const CASE_TIMEOUT_MS = 180_000;

interface Running {
  world: World;
  node: Node;
  controller: Controller;
  evidence: string;
}

if (values.list) for (const { name, shows } of WORKFLOW_CASES) print(`${name}: ${shows}`);
else {
  process.exitCode = await runSuite().catch((error: Error) => {
    print(`e2e-controller: ${error.message}`);
    return 1;
  });
}

async function runSuite(): Promise<number> {
  const plan = planned(positionals);
  const directory = mkdtempSync(join(tmpdir(), "skein-e2e-"));
  const evidence = join(
    checkout,
    "out/e2e-controller",
    new Date().toISOString().replaceAll(":", "-").slice(0, 19),
  );
  const containersConf = join(checkout, "scripts/containers/containers.conf");
  const stop = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => stop.reject(new Error(`stopped by ${signal}`)));
  stop.promise.catch(() => {});
  try {
    print(`e2e-controller: starting a cluster and a workflow-controller below ${directory}`);
    const options = { directory, run: basename(directory), tag: values.tag, containersConf };
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await startWorld({ ...options, customResources: publishedDefinitions() }));
    const servers = join(directory, "servers");
    const exec = await startExecServer(world.api.admin, { directory: servers, containersConf });
    stack.defer(() => exec.stop());
    const node = stack.use(
      createNode({ admin: world.api.admin, kubelet: world.kubelet, namespace: NAMESPACE }),
    );
    const controller = stack.use(await startController(world, servers));
    return await Promise.race([runAll({ world, node, controller, evidence }, plan), stop.promise]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function planned(names: readonly string[]): WorkflowCase[] {
  const unknown = names.find((wanted) => !WORKFLOW_CASES.some(({ name }) => name === wanted));
  if (unknown !== undefined)
    throw new Error(
      `no case is called ${unknown}; there are: ${WORKFLOW_CASES.map(({ name }) => name).join(", ")}`,
    );
  return WORKFLOW_CASES.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function runAll(running: Running, plan: readonly WorkflowCase[]): Promise<number> {
  const shared = plan.filter(({ isExclusive }) => !isExclusive);
  let failed = 0;
  const runOne = async (test: WorkflowCase): Promise<void> => {
    if (!(await runCase(running, test))) failed += 1;
  };
  const worker = async (): Promise<void> => {
    for (let next = shared.shift(); next; next = shared.shift()) await runOne(next);
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  for (const test of plan.filter(({ isExclusive }) => isExclusive)) await runOne(test);
  print(`tests: ${plan.length - failed} passed, ${failed} failed`);
  return failed > 0 || plan.length === 0 ? 1 : 0;
}

async function runCase({ world, node, controller, evidence }: Running, test: WorkflowCase): Promise<boolean> {
  const names: string[] = [];
  const start = performance.now();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("the case did not end in time")), CASE_TIMEOUT_MS);
  try {
    const work = test.run({
      world,
      controller,
      async submit(spec, labels) {
        const workflow = await submit(world.api, test.name, spec, labels);
        names.push(workflow.name);
        return workflow;
      },
    });
    await Promise.race([work, late.promise, node.failed]);
    print(`✓ ${test.name}: ${test.shows} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    const directory = join(evidence, test.name);
    const pods = [...node.pods.keys()].filter((pod) => names.some((name) => pod.startsWith(name)));
    keepEvidence(
      world,
      directory,
      error,
      pods.map((name) => ({ name })),
    );
    await keepWorkflows(world, directory, names);
    writeFileSync(join(directory, "workflow-controller.log"), controller.log());
    print(`✗ ${test.name}: ${test.shows}\n${(error as Error).message}\nevidence: ${directory}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function keepWorkflows({ api }: World, directory: string, names: readonly string[]): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const name of names) {
    const workflow = await api.admin
      .get(`/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows/${name}`)
      .catch((error: Error) => ({ error: error.message }));
    writeFileSync(join(directory, `${name}.json`), JSON.stringify(workflow, null, 1));
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
