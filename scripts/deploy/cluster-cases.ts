import { deepEqual, equal, match, throws } from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ApiServer } from "../../test/e2e/cluster/api-server.ts";
import { type Cases, CHECKOUT, installBlocks, run } from "./case.ts";
import { ARGO, documentedPatches, INIT_LAYOUT, INITLESS_LAYOUT, SKEIN } from "./patch-cases.ts";
import { containersOf, type Pod, patchedPod, recordedPod } from "./patched-pod.ts";

const CONFIG_MAP = "workflow-controller-configmap";
const OWN_EXECUTOR = "resources:\n  requests: {cpu: 10m}\nenv:\n  - {name: NO_PROXY, value: '\"x\"'}\n";

/** The shapes that a controller's ConfigMap has before Skein; that of a plain installation has no data at all. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = {
  "no data, as it is installed": undefined,
  "other keys": { parallelism: "50", artifactRepository: "archiveLogs: true\ns3:\n  bucket: b\n" },
  "an executor of its own": { parallelism: "50", executor: OWN_EXECUTOR },
  "an executor without a line end": { executor: "{resources: {}}" },
};

/** The commands and objects of docs/install.md and deploy/ against a real API server. */
export function clusterCases({ kubeconfig }: ApiServer, scratch: string): Cases {
  const env = { KUBECONFIG: kubeconfig };
  const kubectl = (...args: string[]): string => run(["kubectl", ...args], { env });
  const apply = (object: object | string, ...args: string[]): string =>
    run(["kubectl", "apply", "-f", "-", ...args], {
      env,
      input: typeof object === "string" ? object : JSON.stringify(object),
    });
  // The reader's directory: the checkout's files, and what the commands write.
  const desk = join(scratch, "desk");
  mkdirSync(desk);
  symlinkSync(join(CHECKOUT, "deploy"), join(desk, "deploy"));
  const read = (commands: string): string =>
    run(["bash", "-euo", "pipefail", "-c", commands], { env, cwd: desk });

  /** Commands that restart the controller: kubectl refuses to restart one twice within a second, so it is a new one. */
  const readAndRestart = (commands: string): string => {
    kubectl("-n", "argo", "delete", "deployment", CONTROLLER.metadata.name, "--ignore-not-found");
    apply(CONTROLLER);
    return read(commands);
  };

  const dataOf = (): unknown =>
    (JSON.parse(kubectl("-n", "argo", "get", "configmap", CONFIG_MAP, "-o", "json")) as { data?: unknown })
      .data ?? {};
  const [before = ""] = installBlocks("Before", "sh", 1);
  const [mayI = "", grant = ""] = installBlocks("Rights", "sh", 2);
  const [everywhere = "", backToNothing = "", backToOwn = ""] = installBlocks("3. Everywhere", "sh", 3);
  const [uninstall = ""] = installBlocks("Uninstall", "sh", 1);
  const [look = ""] = installBlocks("1. One workflow", "sh", 1);
  const patches = documentedPatches();

  function create(pod: Pod): void {
    run(["kubectl", "create", "--dry-run=server", "-f", "-"], { env, input: JSON.stringify(pod) });
  }

  const roundTrips = Object.fromEntries(
    Object.entries(SHAPES).map(([shape, data]) => [
      `step 3 keeps all other keys, and "Back" gives the ConfigMap back as it was: ${shape}`,
      () => {
        apply({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: CONFIG_MAP, namespace: "argo" },
          ...(data && { data }),
        });
        read(before);
        readAndRestart(everywhere);
        const { executor, ...others } = dataOf() as Record<string, string>;
        equal((parse(executor ?? "") as { image: string }).image, SKEIN);
        const { executor: _, ...kept } = data ?? {};
        deepEqual(others, kept);
        readAndRestart(data?.executor ? backToOwn : backToNothing);
        deepEqual(dataOf(), data ?? {});
        kubectl("-n", "argo", "delete", "configmap", CONFIG_MAP);
      },
    ]),
  );

  return {
    "what stands in a cluster before"() {
      for (const name of ["argo", "ci", "ml", "locked", "observability"]) {
        apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
        apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: name } });
      }
      kubectl("label", "namespace", "locked", "pod-security.kubernetes.io/enforce=restricted");
      apply(CONTROLLER);
    },
    ...roundTrips,
    "the rights: none before, exactly the rule's after, and none again after the uninstallation"() {
      throws(() => read(mayI), /exit code 1/);
      read(grant);
      deepEqual(read(mayI).trim().split("\n"), ["yes", "yes"]);
      const as = ["--as", "system:serviceaccount:ci:default", "-n", "ci"];
      for (const [verb, what] of [
        ["get", "workflowtaskresults.argoproj.io"],
        ["get", "pods"],
        ["patch", "pods"],
        ["get", "secrets"],
      ] as const) {
        throws(() => kubectl("auth", "can-i", verb, what, ...as), /exit code 1/, `${verb} ${what}`);
      }
      read(uninstall);
      throws(() => read(mayI), /exit code 1/);
    },
    "the objects of kustomize and of the chart are admitted"() {
      for (const example of ["everywhere", "namespace"]) {
        apply(run(["kustomize", "build", `deploy/kustomize/examples/${example}`]), "--dry-run=server");
      }
      const chart = ["helm", "template", "skein", "deploy/helm/skein", "--kube-version", "1.34.0"] as const;
      apply(run([...chart, "--namespace", "argo", "--set", "namespaces={ci,ml}"]), "--dry-run=server");
    },
    "the network policy and the second controller's ConfigMap are admitted"() {
      for (const [heading, count] of [
        ["Network", 1],
        ["2. One namespace", 1],
      ] as const) {
        for (const block of installBlocks(heading, "yaml", count)) {
          apply(block, "-n", "ci", "--dry-run=server", "--validate=strict");
        }
      }
    },
    "pods with the patches of steps 1 and 2 are admitted, and the commands to look at one work"() {
      for (const name of INIT_LAYOUT) {
        for (const workflow of [patches.init, patches.readOnlyRoot, patches.certificates]) {
          create(patchedPod(recordedPod(name, "ci"), { scratch, executorImage: ARGO, workflow }));
        }
      }
      for (const name of INITLESS_LAYOUT) {
        create(
          patchedPod(recordedPod(name, "ci"), { scratch, executorImage: ARGO, workflow: patches.initless }),
        );
      }
      const options = { scratch, executorImage: ARGO, workflow: patches.init };
      const pod = patchedPod(recordedPod("hello-world", "ci"), options);
      apply(pod);
      // Without a kubelet there are no logs; the second command is tried by the quick tests.
      const [images = ""] = look.replace("POD", pod.metadata.name).split("\n");
      deepEqual(read(images).trim().split("\n"), [`init ${SKEIN}`, `wait ${SKEIN}`, "main busybox"]);
      kubectl("-n", "ci", "delete", "pod", pod.metadata.name, "--force");
    },
    "after step 3 the short patches may stay; the longer one is refused as the page says"() {
      const [name = ""] = INIT_LAYOUT;
      const [initless = ""] = INITLESS_LAYOUT;
      const after = (pod: string, workflow: string): void =>
        create(patchedPod(recordedPod(pod, "ci"), { scratch, executorImage: SKEIN, workflow }));
      after(name, patches.init);
      after(initless, patches.initless);
      throws(() => after(name, patches.readOnlyRoot), /mountPath: Invalid value: "\/tmp": must be unique/);
    },
    "the restricted standard refuses a controller's pods as they are, and admits them with the security contexts"() {
      const [block = ""] = installBlocks("Pod security", "yaml", 1);
      const { executor, mainContainer } = parse(block) as Record<
        "executor" | "mainContainer",
        { securityContext: object }
      >;
      for (const name of ["hello-world", "artifact-passing-consumer", ...INITLESS_LAYOUT]) {
        const pod = recordedPod(name, "locked");
        throws(() => create(pod), /violates PodSecurity "restricted/);
        for (const container of containersOf(pod)) {
          const { securityContext } = container.name === "main" ? mainContainer : executor;
          container.securityContext = securityContext;
        }
        create(pod);
      }
    },
    "applying the saved ConfigMap is refused, which is why the page has other commands"() {
      apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: CONFIG_MAP, namespace: "argo" } });
      read(before);
      readAndRestart(everywhere);
      throws(() => read("kubectl -n argo apply -f controller-configmap-before.yaml"), /Conflict/);
      match(JSON.stringify(dataOf()), /skein\/argoexec/);
    },
  };
}

/** What the commands name; nothing runs it. */
const CONTROLLER = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "workflow-controller", namespace: "argo" },
  spec: {
    selector: { matchLabels: { app: "workflow-controller" } },
    template: {
      metadata: { labels: { app: "workflow-controller" } },
      spec: {
        containers: [
          { name: "workflow-controller", image: "quay.io/argoproj/workflow-controller:v4.1.2", args: [] },
        ],
      },
    },
  },
};
