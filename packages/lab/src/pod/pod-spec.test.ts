import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runPlan } from "../engine/engine.ts";
import type { PodRequest } from "../engine/engine-context.ts";
import type { SandboxMount } from "../sandbox/sandbox.ts";
import { parseWorkflowFile } from "../workflow/parse-workflow-file.ts";
import { planWorkflow } from "../workflow/plan-workflow.ts";
import type { WorkflowPlan } from "../workflow/types.ts";
import type { PodLayout } from "./executor-settings.ts";
import { type ContainerPlan, type PodPlan, planPod } from "./pod-spec.ts";

/** The same workflows as those the pods in `testdata` were made from. */
const ARTIFACT_PASSING = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: artifact-passing-wd8qx, namespace: argo}
spec:
  entrypoint: main
  archiveLogs: true
  artifactRepositoryRef: {configMap: repos, key: default}
  templates:
    - name: main
      steps:
        - [{name: generate-artifact, template: hello-world-to-file}]
        - - name: consume-artifact
            template: print-message-from-file
            arguments: {artifacts: [{name: message, from: "{{steps.generate-artifact.outputs.artifacts.hello-art}}"}]}
    - name: hello-world-to-file
      container: {image: busybox, command: [sh, -c], args: ["sleep 1; echo hello world | tee /tmp/hello_world.txt"]}
      outputs: {artifacts: [{name: hello-art, path: /tmp/hello_world.txt}]}
    - name: print-message-from-file
      inputs: {artifacts: [{name: message, path: /tmp/message}]}
      container: {image: busybox, command: [sh, -c], args: ["cat /tmp/message"]}
`;

const SCRIPT = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: cmp-scripts-bash, namespace: argo}
spec:
  entrypoint: main
  archiveLogs: true
  artifactRepositoryRef: {configMap: repos, key: default}
  templates:
    - name: main
      steps:
        - [{name: generate, template: gen-random-int}]
        - [{name: print, template: print-message, arguments: {parameters: [{name: m, value: "{{steps.generate.outputs.result}}"}]}}]
    - name: gen-random-int
      script:
        image: alpine:3.23
        command: [sh, -c]
        source: |
          cat /bin/sh | od -N2 -An -i | awk -v f=1 -v r=100 '{printf "%i\\n", f + r * $1 / 65536}'
    - name: print-message
      inputs: {parameters: [{name: m}]}
      container: {image: alpine, command: [echo, "{{inputs.parameters.m}}"]}
`;

const GRAPH = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: graph-frmpv, namespace: argo}
spec:
  entrypoint: main
  archiveLogs: true
  artifactRepositoryRef: {configMap: repos, key: default}
  templates:
    - name: main
      containerSet:
        containers:
          - {name: a, image: "argoproj/argosay:v2", command: [/argosay]}
          - {name: b, image: "argoproj/argosay:v2", command: [/argosay], dependencies: [a]}
          - {name: c, image: "argoproj/argosay:v2", command: [/argosay], dependencies: [a]}
          - {name: d, image: "argoproj/argosay:v2", command: [/argosay], dependencies: [b, c]}
`;

const SIDECAR = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: cmp-sidecars, namespace: argo}
spec:
  entrypoint: main
  archiveLogs: true
  artifactRepositoryRef: {configMap: repos, key: default}
  templates:
    - name: main
      container: {image: busybox, command: [sh, -c, "sleep 1; wget -qO- http://127.0.0.1:18099/hello"]}
      sidecars:
        - name: web
          image: busybox
          command: [sh, -c, "mkdir /w; echo hi >/w/hello; exec busybox httpd -f -p 127.0.0.1:18099 -h /w"]
`;

/** The same workflow on a controller with `initlessPod`. */
const INITLESS = ARTIFACT_PASSING.replace("artifact-passing-wd8qx", "artifact-passing-wzqkj");

const REPOSITORY = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: repos}
data:
  default: |
    s3:
      endpoint: 127.0.0.1:16333
      bucket: my-bucket
      insecure: true
      accessKeySecret: {name: my-minio-cred, key: accesskey}
      secretKeySecret: {name: my-minio-cred, key: secretkey}
---
apiVersion: v1
kind: Secret
metadata: {name: my-minio-cred}
stringData: {accesskey: a, secretkey: s}
`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lab-pod-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The pods a plan asks for; each succeeds with the given outputs. */
async function requests(plan: WorkflowPlan, name: string): Promise<PodRequest[]> {
  const pods: PodRequest[] = [];
  await runPlan({
    plan,
    identity: { name, uid: "uid", namespace: "argo", createdAt: new Date() },
    repository: plan.repository ?? { s3: {} },
    runPod: async (request) => {
      pods.push(request);
      const key = `${name}/${request.podName}/hello-art.tgz`;
      const artifacts = [{ name: "hello-art", path: "/tmp/hello_world.txt", s3: { key } }];
      return { phase: "Succeeded", message: "", outputs: { artifacts, result: "7" } };
    },
    onChange: () => undefined,
    signal: new AbortController().signal,
  });
  return pods;
}

async function planned(text: string, index: number, layout: PodLayout = "init") {
  const plan = planWorkflow(parseWorkflowFile("wf.yaml", text + REPOSITORY));
  const { name = "" } = plan.workflow.metadata;
  const request = (await requests(plan, name))[index];
  if (!request) throw new Error(`there is no pod ${index}`);
  const trace = {
    traceId: "1".repeat(32),
    spanId: "2".repeat(16),
    traceFlags: 1,
    traceState: `workflow=argo/${name}`,
  };
  const settings = {
    layout,
    executorDirectory: join(directory, "executor"),
    traceEndpoint: "http://127.0.0.1:16318",
    kubeconfig: join(directory, "kubeconfig"),
    serviceAccount: join(directory, "service-account"),
    userPath: "/bin",
    executorEnvironment: {},
  };
  const identity = { name, uid: "uid", namespace: "argo", createdAt: new Date() };
  const facts = { request, identity, settings, podUid: "pod-uid", trace };
  const sources = { secrets: plan.secrets, workflowVolumes: plan.workflow.spec.volumes ?? [] };
  return { request, pod: planPod(facts, join(directory, "volumes"), sources) };
}

/** A container of the pod as it is about to start. */
function planOf(pod: PodPlan, name: string): ContainerPlan {
  const container = [...pod.init, ...pod.containers].find((candidate) => candidate.name === name);
  if (!container) throw new Error(`there is no container "${name}"`);
  return container.plan();
}

interface RealContainer {
  name: string;
  command: string[];
  args?: string[];
  env: { name: string; value?: string }[];
  volumeMounts: { mountPath: string; readOnly?: boolean }[];
}

function readContainers(file: string): Map<string, RealContainer> {
  const path = new URL(`../../testdata/pods/${file}.json`, import.meta.url);
  const { spec } = JSON.parse(readFileSync(path, "utf8")) as {
    spec: { initContainers?: RealContainer[]; containers: RealContainer[] };
  };
  return new Map(
    [...(spec.initContainers ?? []), ...spec.containers].map((container) => [container.name, container]),
  );
}

/** The lab chooses the log format, and says where the kubeconfig is, as a controller without in-cluster access does. */
function normalise(argv: readonly string[]): string[] {
  return argv
    .filter((word, index) => word !== "--kubeconfig" && argv[index - 1] !== "--kubeconfig")
    .map((word, index) => (argv[index - 1] === "--log-format" ? "json" : word));
}

/** Variables that do not depend on the run. */
const SAME_VALUE = [
  "ARGO_CONTAINER_NAME",
  "ARGO_NODE_ID",
  "ARGO_INCLUDE_SCRIPT_OUTPUT",
  "ARGO_DEADLINE",
  "ARGO_INITLESS_POD",
  "ARGO_WAIT_FOR_READY",
  "TRACESTATE",
  "ARGO_PROGRESS_FILE",
];

/** The controller asks the image for a command; a workflow of the lab's has to say it. */
const LOOKED_UP = ['"argoproj/argosay:v2"', '"argoproj/argosay:v2","command":["/argosay"]'] as const;

/** Of a container of ours, what the sandbox adds to it beyond a pod's own mounts. */
const LAB_MOUNTS = ["/argoexec", "/kube/config"];

function mountsOf(mounts: readonly SandboxMount[]): string[] {
  return mounts
    .filter((mount) => !LAB_MOUNTS.includes(mount.target))
    .map((mount) => `${mount.target}${mount.readOnly ? " ro" : ""}`)
    .toSorted();
}

function environmentNames(plan: ContainerPlan): string[] {
  return Object.keys(plan.environment).filter((name) => !["PATH", "HOME", "HOSTNAME"].includes(name));
}

describe.each<[string, string, number, PodLayout]>([
  ["artifact-passing-producer", ARTIFACT_PASSING, 0, "init"],
  ["artifact-passing-consumer", ARTIFACT_PASSING, 1, "init"],
  ["script-with-result", SCRIPT, 0, "init"],
  ["container-set-graph", GRAPH, 0, "init"],
  ["sidecar", SIDECAR, 0, "init"],
  ["initless-artifact-passing-consumer", INITLESS, 1, "initless"],
])("the pod of %s, beside the one a controller made", (file, text, index, layout) => {
  it("has the same containers, and the same argv, mounts and variables in each", async () => {
    const { pod } = await planned(text, index, layout);
    const real = readContainers(file);
    expect([...pod.init, ...pod.containers].map(({ name }) => name)).toEqual([...real.keys()]);
    for (const [name, container] of real) {
      const ours = planOf(pod, name);
      expect(normalise(ours.argv), name).toEqual([...container.command, ...(container.args ?? [])]);
      expect(mountsOf(ours.mounts), name).toEqual(
        container.volumeMounts.map((mount) => `${mount.mountPath}${mount.readOnly ? " ro" : ""}`).toSorted(),
      );
      expect(environmentNames(ours), name).toEqual([
        ...new Set(container.env.map((variable) => variable.name)),
      ]);
      for (const variable of container.env.filter((entry) => SAME_VALUE.includes(entry.name))) {
        expect(ours.environment[variable.name], name).toBe(variable.value);
      }
    }
  });

  it("gives the executor the same template", async () => {
    const { request } = await planned(text, index, layout);
    const carriers = [...readContainers(file).values()];
    const real = carriers
      .flatMap(({ env }) => env)
      .find((entry) => entry.name === "ARGO_TEMPLATE")
      ?.value?.replaceAll(...LOOKED_UP);
    expect(withoutDefaults(request.template)).toEqual(withoutDefaults(JSON.parse(real ?? "")));
  });
});

/** Go writes an empty name and empty resources, which say nothing. */
function withoutDefaults(template: unknown): unknown {
  return JSON.parse(JSON.stringify(template), (key, value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const { resources: _resources, ...rest } = value as Record<string, unknown>;
    if (rest.name !== "" || !["container", "script"].includes(key)) return rest;
    const { name: _name, ...named } = rest;
    return named;
  });
}

describe("planPod", () => {
  it("mirrors the user's volumes for the executor, and mounts no input artifact that lies in one", async () => {
    const text = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  volumes: [{name: work, emptyDir: {}}, {name: token, secret: {secretName: my-minio-cred, items: [{key: accesskey, path: deep/key}]}}]
  templates:
    - name: main
      inputs: {artifacts: [{name: a, path: /work/a, raw: {data: x}}, {name: none, path: /none, optional: true}]}
      container:
        command: [x]
        workingDir: /work
        env: [{name: KEY, valueFrom: {secretKeyRef: {name: my-minio-cred, key: secretkey}}}]
        volumeMounts: [{name: work, mountPath: /work}, {name: token, mountPath: /token, readOnly: true}, {name: work, mountPath: /sub, subPath: s}]
`;
    const { pod } = await planned(text, 0);
    const main = planOf(pod, "main");
    expect(mountsOf(main.mounts)).toEqual(
      [
        "/sub",
        "/token ro",
        "/var/run/argo",
        "/var/run/secrets/kubernetes.io/serviceaccount ro",
        "/work",
      ].toSorted(),
    );
    expect(main.workingDirectory).toBe("/work");
    expect(main.environment.KEY).toBe("s");
    expect(mountsOf(planOf(pod, "init").mounts)).toEqual(
      expect.arrayContaining([
        "/argo/inputs/artifacts",
        "/mainctrfs/token ro",
        "/mainctrfs/work",
        "/mainctrfs/sub",
      ]),
    );
    // For saving, everything can be written (contract §1.3).
    expect(mountsOf(planOf(pod, "wait").mounts)).toEqual(
      expect.arrayContaining(["/mainctrfs/token", "/mainctrfs/work", "/tmp"]),
    );
    const token = main.mounts.find((mount) => mount.target === "/token")?.source ?? "";
    expect(readFileSync(join(token, "deep/key"), "utf8")).toBe("a");
    const sub = main.mounts.find((mount) => mount.target === "/sub")?.source ?? "";
    expect(statSync(sub).mode & 0o777).toBe(0o777);
  });

  it("shows the executor only the keys of secrets that the template refers to", async () => {
    const { pod } = await planned(ARTIFACT_PASSING, 0);
    const secret = planOf(pod, "init").mounts.find((mount) => mount.target === "/argo/secret/my-minio-cred");
    expect(readFileSync(join(secret?.source ?? "", "accesskey"), "utf8")).toBe("a");
    const { pod: bare } = await planned(
      "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, templates: [{name: m, container: {command: [x]}}]}\n",
      0,
    );
    expect(planOf(bare, "init").mounts.some((mount) => mount.target.startsWith("/argo/secret"))).toBe(false);
  });
});
