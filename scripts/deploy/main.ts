/**
 * `make deploy-test`: renders deploy/ with kustomize and helm, as users do, and looks at what comes out.
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

const checkout = join(import.meta.dirname, "../..");
const tool = (name: string, ...args: string[]): string =>
  execFileSync(join(checkout, ".tools/bin", name), args, {
    cwd: checkout,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: unknown[];
  subjects?: { name: string; namespace?: string }[];
  data?: Record<string, string>;
  spec?: {
    containers: { name: string; image: string }[];
    initContainers?: { name: string; image: string }[];
  };
}

const objects = (yaml: string): Rendered[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as Rendered)
    .filter(Boolean);
const RULES = [
  { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
];

const cases: Record<string, () => void> = {
  "kustomize: the executor is set, and the controller's other settings stay"() {
    const rendered = objects(tool("kustomize", "build", "deploy/kustomize/examples/everywhere"));
    const config = rendered.find(({ kind }) => kind === "ConfigMap");
    deepStrictEqual(Object.keys(config?.data ?? {}).sort(), [
      "artifactRepository",
      "executor",
      "parallelism",
    ]);
    const executor = parse(config?.data?.executor ?? "") as { image: string; env: { name: string }[] };
    ok(executor.image.includes("skein/argoexec"));
    deepStrictEqual(
      executor.env.map(({ name }) => name),
      ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    );
    deepStrictEqual(rendered.find(({ kind }) => kind === "Role")?.rules, RULES);
  },
  "helm: the chart has no complaints"() {
    ok(tool("helm", "lint", "--strict", "deploy/helm/skein").includes("0 chart(s) failed"));
  },
  "helm: each namespace gets the rule, for each service account"() {
    const args = [
      "--namespace",
      "argo",
      "--set",
      "namespaces={ci,ml}",
      "--set",
      "serviceAccounts={workflow,default}",
    ];
    const rendered = objects(
      tool("helm", "template", "skein", "deploy/helm/skein", "--kube-version", "1.30.0", ...args),
    );
    const roles = rendered.filter(({ kind }) => kind === "Role");
    deepStrictEqual(
      roles.map(({ metadata, rules }) => [metadata.namespace, rules]),
      [
        ["ci", RULES],
        ["ml", RULES],
      ],
    );
    const bindings = rendered.filter(({ kind }) => kind === "RoleBinding");
    deepStrictEqual(
      bindings.map(({ subjects }) => subjects?.map(({ name, namespace }) => `${namespace}/${name}`)),
      [
        ["ci/workflow", "ci/default"],
        ["ml/workflow", "ml/default"],
      ],
    );
  },
  "helm: the patch it keeps sets the executor, with collector and digest"() {
    const args = [
      "--set",
      "tracing.endpoint=http://c:4317",
      "--set",
      "tracing.protocol=grpc",
      "--set",
      "image.digest=sha256:abc",
    ];
    const rendered = objects(
      tool(
        "helm",
        "template",
        "skein",
        "deploy/helm/skein",
        "--kube-version",
        "1.30.0",
        "--namespace",
        "argo",
        ...args,
      ),
    );
    const config = rendered.find(({ kind }) => kind === "ConfigMap");
    const { data } = parse(config?.data?.["patch.yaml"] ?? "") as { data: { executor: string } };
    const executor = parse(data.executor) as Record<string, unknown>;
    strictEqual(executor.image, "ghcr.io/skein/argoexec@sha256:abc");
    deepStrictEqual(executor.env, [
      { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "http://c:4317" },
      { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "grpc" },
    ]);
  },
  "docs/install.md: the podSpecPatch replaces the images of init and wait in a pod a controller made, by strategic merge"() {
    const directory = mkdtempSync(join(tmpdir(), "skein-deploy-"));
    try {
      cpSync(join(checkout, "test/conformance/pods/hello-world.json"), join(directory, "pod.yaml"));
      const pod = parse(execFileSync("cat", [join(directory, "pod.yaml")], { encoding: "utf8" })) as Rendered;
      const image = "ghcr.io/skein/argoexec:0.1.0";
      const patch = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: pod.metadata.name },
        spec: { initContainers: [{ name: "init", image }], containers: [{ name: "wait", image }] },
      };
      writeFileSync(join(directory, "patch.yaml"), JSON.stringify(patch));
      writeFileSync(
        join(directory, "kustomization.yaml"),
        JSON.stringify({
          resources: ["pod.yaml"],
          patches: [{ path: "patch.yaml", target: { kind: "Pod" } }],
        }),
      );
      const [patched] = objects(tool("kustomize", "build", directory));
      const images = [...(patched?.spec?.initContainers ?? []), ...(patched?.spec?.containers ?? [])].map(
        ({ name, image }) => [name, image],
      );
      const main = pod.spec?.containers.find(({ name }) => name === "main")?.image;
      deepStrictEqual(Object.fromEntries(images), { init: image, wait: image, main });
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    run();
    process.stdout.write(`  ✓ ${name}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`  ✗ ${name}\n${(error as Error).message}\n`);
  }
}
process.stdout.write(`tests: ${Object.keys(cases).length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
