import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { NAMESPACE } from "../cluster/access.ts";
import type { KubeObject } from "../cluster/kube-client.ts";
import { startServer } from "../cluster/process.ts";
import { CREDENTIALS, type World } from "../suite/world.ts";

/** A workflow-controller of Argo's own, as it is published. */
export interface Controller extends AsyncDisposable {
  /** Everything it has printed so far. */
  log(): string;
  /** Replaces the key `executor` of its ConfigMap, and waits until it says that it has taken it. */
  setExecutor(executor: { image: string }): Promise<void>;
  /** One more controller for the same namespace, with a ConfigMap of its own, which is created. */
  startAnother(configMap: KubeObject): Promise<AsyncDisposable>;
}

const CHECKOUT = join(import.meta.dirname, "../../..");
const PROGRAM = join(CHECKOUT, ".tools/bin/workflow-controller");
const MODULE = "github.com/argoproj/argo-workflows/v4";
const CONFIG_MAP = "workflow-controller-configmap";
const TAKEN_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

/** The definitions that this version is installed with: what Skein reports has to fit them. */
export function publishedDefinitions(): KubeObject[] {
  const directory = execFileSync("go", ["list", "-m", "-f", "{{.Dir}}", MODULE], {
    cwd: join(CHECKOUT, "tools/workflow-controller"),
    encoding: "utf8",
  }).trim();
  const crds = join(directory, "manifests/base/crds/minimal");
  return readdirSync(crds)
    .filter((name) => name.startsWith("argoproj.io_"))
    .map((name) => parse(readFileSync(join(crds, name), "utf8")) as KubeObject);
}

/** Starts it with Skein as its executor, as docs/install.md's step 3 has it, and a store for artifacts and logs. */
export async function startController(world: World, directory: string): Promise<Controller> {
  if (!existsSync(PROGRAM)) {
    throw new Error(
      `the suite runs a real controller, and ${PROGRAM} is not there: run \`make e2e-controller\``,
    );
  }
  const { api, store, images } = world;
  const configMaps = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
  const secret = (key: string): object => ({ name: CREDENTIALS, key });
  await api.admin.create(configMaps, {
    metadata: { name: CONFIG_MAP },
    data: {
      executor: stringify({ image: images.executor }),
      artifactRepository: stringify({
        archiveLogs: true,
        s3: {
          endpoint: store.endpoint,
          bucket: store.bucket,
          insecure: true,
          accessKeySecret: secret("accesskey"),
          secretKeySecret: secret("secretkey"),
        },
      }),
      metricsConfig: stringify({ enabled: false }),
    },
  });
  const { log, stop } = await launch(world, directory, CONFIG_MAP);
  return {
    log,
    async setExecutor(executor) {
      const before = log().length;
      await api.admin.patch(`${configMaps}/${CONFIG_MAP}`, { data: { executor: stringify(executor) } });
      const deadline = Date.now() + TAKEN_TIMEOUT_MS;
      while (!new RegExp(`executorImage\\W+${executor.image}`).test(log().slice(before))) {
        if (Date.now() > deadline)
          throw new Error(`the controller did not take ${executor.image}: ${log().slice(before)}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async startAnother(configMap) {
      await api.admin.create(configMaps, configMap);
      const another = await launch(world, directory, configMap.metadata.name ?? "");
      return { [Symbol.asyncDispose]: another.stop };
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Of the namespace's workflows, as the installation manifests start it there. */
async function launch(
  { api }: World,
  directory: string,
  configMap: string,
): Promise<{ log(): string; stop(): Promise<void> }> {
  const file = join(directory, `${configMap}.log`);
  const log = (): string => readFileSync(file, "utf8");
  const own = ["--kubeconfig", api.kubeconfig, "--namespace", NAMESPACE];
  const { stop } = await startServer({
    argv: [PROGRAM, ...own, "--namespaced", "--configmap", configMap],
    // It looks at a workflow again only so long after the last time; by default that is ten seconds.
    env: { LEADER_ELECTION_DISABLE: "true", DEFAULT_REQUEUE_TIME: "1s", HOME: directory },
    log: file,
    isReady: async () => /starting leading/i.test(log()),
    startTimeoutMs: 120_000,
  });
  return { log, stop };
}
