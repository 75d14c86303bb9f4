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
import { type ContainerPlan, planPod } from "./pod-spec.ts";

/** The same workflows as those the pods in `testdata` were made from. */
const ARTIFACT_PASSING = `kind: Workflow
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

const SCRIPT = `kind: Workflow
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

const REPOSITORY = `---
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
  const key = `${name}/artifact-passing-wd8qx-hello-world-to-file-3393408352/hello-art.tgz`;
  await runPlan({
    plan,
    identity: { name, uid: "uid", namespace: "argo", createdAt: new Date() },
    repository: plan.repository ?? { s3: {} },
    runPod: async (request) => {
      pods.push(request);
      const artifacts = [{ name: "hello-art", path: "/tmp/hello_world.txt", s3: { key } }];
      return { phase: "Succeeded", message: "", outputs: { artifacts, result: "7" } };
    },
    onChange: () => undefined,
    signal: new AbortController().signal,
  });
  return pods;
}

async function planned(text: string, index: number) {
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
    spec: { initContainers: RealContainer[]; containers: RealContainer[] };
  };
  return new Map(
    [...spec.initContainers, ...spec.containers].map((container) => [container.name, container]),
  );
}

/** The lab chooses the log format, and says where the kubeconfig is, as a controller without in-cluster access does. */
function normalise(argv: readonly string[]): string[] {
  return argv
    .filter((word, index) => word !== "--kubeconfig" && argv[index - 1] !== "--kubeconfig")
    .map((word, index) => (argv[index - 1] === "--log-format" ? "json" : word));
}

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

describe.each([
  ["artifact-passing-producer", ARTIFACT_PASSING, 0],
  ["artifact-passing-consumer", ARTIFACT_PASSING, 1],
  ["script-with-result", SCRIPT, 0],
])("the pod of %s, beside the one a controller made", (file, text, index) => {
  it.each(["init", "wait", "main"] as const)(
    "has the same argv, mounts and variables in %s",
    async (name) => {
      const real = readContainers(file).get(name);
      const { pod } = await planned(text, index);
      const ours = name === "init" ? pod.init : pod[name]();
      expect(normalise(ours.argv)).toEqual([...(real?.command ?? []), ...(real?.args ?? [])]);
      expect(mountsOf(ours.mounts)).toEqual(
        real?.volumeMounts.map((mount) => `${mount.mountPath}${mount.readOnly ? " ro" : ""}`).toSorted(),
      );
      expect(environmentNames(ours)).toEqual([...new Set(real?.env.map((variable) => variable.name))]);
      const fixed = [
        "ARGO_NODE_ID",
        "ARGO_INCLUDE_SCRIPT_OUTPUT",
        "ARGO_DEADLINE",
        "TRACESTATE",
        "ARGO_PROGRESS_FILE",
      ];
      for (const variable of real?.env.filter((entry) => fixed.includes(entry.name)) ?? []) {
        expect(ours.environment[variable.name]).toBe(variable.value);
      }
    },
  );

  it("gives the executor the same template", async () => {
    const { request } = await planned(text, index);
    const real = readContainers(file)
      .get("init")
      ?.env.find((entry) => entry.name === "ARGO_TEMPLATE")?.value;
    expect(withoutDefaults(request.template)).toEqual(withoutDefaults(JSON.parse(real ?? "")));
  });
});

/** Go writes an empty name and empty resources, which say nothing. */
function withoutDefaults(template: object): object {
  const container = ({ name: _name, resources: _resources, ...rest }: Record<string, unknown>) => rest;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [
      key,
      ["container", "script"].includes(key) ? container(value) : value,
    ]),
  );
}

describe("planPod", () => {
  it("mirrors the user's volumes for the executor, and mounts no input artifact that lies in one", async () => {
    const text = `kind: Workflow
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
    const main = pod.main();
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
    expect(mountsOf(pod.init.mounts)).toEqual(
      expect.arrayContaining([
        "/argo/inputs/artifacts",
        "/mainctrfs/token ro",
        "/mainctrfs/work",
        "/mainctrfs/sub",
      ]),
    );
    // For saving, everything can be written (contract §1.3).
    expect(mountsOf(pod.wait().mounts)).toEqual(
      expect.arrayContaining(["/mainctrfs/token", "/mainctrfs/work", "/tmp"]),
    );
    const token = main.mounts.find((mount) => mount.target === "/token")?.source ?? "";
    expect(readFileSync(join(token, "deep/key"), "utf8")).toBe("a");
    const sub = main.mounts.find((mount) => mount.target === "/sub")?.source ?? "";
    expect(statSync(sub).mode & 0o777).toBe(0o777);
  });

  it("shows the executor only the keys of secrets that the template refers to", async () => {
    const { pod } = await planned(ARTIFACT_PASSING, 0);
    const secret = pod.init.mounts.find((mount) => mount.target === "/argo/secret/my-minio-cred");
    expect(readFileSync(join(secret?.source ?? "", "accesskey"), "utf8")).toBe("a");
    const { pod: bare } = await planned(
      "kind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, templates: [{name: m, container: {command: [x]}}]}\n",
      0,
    );
    expect(bare.init.mounts.some((mount) => mount.target.startsWith("/argo/secret"))).toBe(false);
  });
});
