import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Cases, parseObjects, run } from "./case.ts";

const RULES = [
  { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
];
/** The fields of `executor` that a controller takes into its containers (contract §1.4). */
const EXECUTOR_FIELDS = ["args", "env", "image", "imagePullPolicy", "resources", "securityContext"];

interface Executor {
  image: string;
  imagePullPolicy: string;
  env?: { name: string; value?: string }[];
  securityContext?: object;
  resources?: object;
}

const template = (...settings: string[]): string =>
  run([
    ...(["helm", "template", "skein", "deploy/helm/skein", "--kube-version", "1.30.0"] as const),
    ...["--namespace", "argo"],
    ...settings.flatMap((setting) => ["--set", setting]),
  ]);

/** deploy/ as kustomize and helm render it. */
export function renderCases(scratch: string): Cases {
  /** As a controller reads the key, and nothing in it that a controller passes over. */
  function readExecutor(text: string | undefined): Executor {
    const file = join(scratch, "executor.yaml");
    writeFileSync(file, text ?? "");
    run(["podspec", "executor", file]);
    const executor = parse(text ?? "") as Executor;
    deepEqual(
      Object.keys(executor).filter((field) => !EXECUTOR_FIELDS.includes(field)),
      [],
    );
    return executor;
  }
  const keptPatch = (rendered: string): Executor => {
    const config = parseObjects(rendered).find(({ kind }) => kind === "ConfigMap");
    const { data } = parse(config?.data?.["patch.yaml"] ?? "") as { data: { executor: string } };
    deepEqual(Object.keys(data), ["executor"]);
    return readExecutor(data.executor);
  };

  return {
    "kustomize: the executor is set, and the controller's other settings stay"() {
      const rendered = parseObjects(run(["kustomize", "build", "deploy/kustomize/examples/everywhere"]));
      const config = rendered.find(({ kind }) => kind === "ConfigMap");
      deepEqual(Object.keys(config?.data ?? {}).sort(), ["artifactRepository", "executor", "parallelism"]);
      equal(config?.metadata.namespace, "argo");
      const executor = readExecutor(config?.data?.executor);
      ok(executor.image.includes("skein/argoexec"));
      deepEqual(
        executor.env?.map(({ name }) => name),
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"],
      );
      const role = rendered.find(({ kind }) => kind === "Role");
      deepEqual([role?.metadata.namespace, role?.rules], ["ci", RULES]);
    },
    "kustomize: an overlay says the namespace and the service accounts"() {
      const rendered = parseObjects(run(["kustomize", "build", "deploy/kustomize/examples/namespace"]));
      deepEqual(
        rendered.map(({ metadata }) => metadata.namespace),
        ["ci", "ci"],
      );
      const binding = rendered.find(({ kind }) => kind === "RoleBinding");
      deepEqual(
        binding?.subjects?.map(({ name, namespace }) => `${namespace}/${name}`),
        ["ci/workflow", "ci/nightly"],
      );
    },
    "kustomize: the collector reads the shipped configuration, and Grafana and Prometheus get the shipped files"() {
      const rendered = parseObjects(run(["kustomize", "build", "deploy/kustomize/examples/observability"]));
      const shipped = (file: string): string => run(["cat", `deploy/observability/${file}`]);
      const data = Object.assign({}, ...rendered.map((object) => object.data ?? {})) as Record<
        string,
        string
      >;
      deepEqual(data, {
        "collector.yaml": shipped("collector.yaml"),
        "artifacts.json": shipped("dashboards/artifacts.json"),
        "phases.json": shipped("dashboards/phases.json"),
        "skein.rules.yaml": shipped("rules/skein.rules.yaml"),
      });
      for (const { metadata } of rendered) equal(metadata.namespace, "observability");
      const deployment = rendered.find(({ kind }) => kind === "Deployment");
      const collector = rendered.find(({ data }) => data?.["collector.yaml"]);
      ok(JSON.stringify(deployment).includes(`"configMap":{"name":"${collector?.metadata.name}"}`));
      // The address that the tracing component gives to executors.
      ok(rendered.some(({ kind, metadata }) => kind === "Service" && metadata.name === "collector"));
    },
    "helm: dashboards and rules are the shipped ones, and there only when they are asked for"() {
      const kinds = (...settings: string[]): string[] =>
        parseObjects(template(...settings)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      deepEqual(
        kinds("observability.dashboards=true", "observability.rules=true").filter(
          (each) => !kinds().includes(each),
        ),
        ["ConfigMap skein-dashboards", "PrometheusRule skein"],
      );
      const rendered = parseObjects(template("observability.dashboards=true", "observability.rules=true"));
      const dashboards = rendered.find(({ metadata }) => metadata.name === "skein-dashboards")?.data ?? {};
      deepEqual(Object.keys(dashboards).sort(), ["artifacts.json", "phases.json"]);
      for (const [file, text] of Object.entries(dashboards)) {
        deepEqual(JSON.parse(text), JSON.parse(run(["cat", `deploy/observability/dashboards/${file}`])));
      }
      const rule = rendered.find(({ kind }) => kind === "PrometheusRule") as unknown as { spec: unknown };
      deepEqual(rule.spec, parse(run(["cat", "deploy/observability/rules/skein.rules.yaml"])));
    },
    "helm: the chart has no complaints"() {
      match(run(["helm", "lint", "--strict", "deploy/helm/skein"]), /0 chart\(s\) failed/);
    },
    "helm: each namespace gets the rule, for each service account"() {
      const rendered = parseObjects(template("namespaces={ci,ml}", "serviceAccounts={workflow,default}"));
      deepEqual(
        rendered
          .filter(({ kind }) => kind === "Role")
          .map(({ metadata, rules }) => [metadata.namespace, rules]),
        [
          ["ci", RULES],
          ["ml", RULES],
        ],
      );
      deepEqual(
        rendered
          .filter(({ kind }) => kind === "RoleBinding")
          .map(({ subjects }) => subjects?.map(({ name, namespace }) => `${namespace}/${name}`)),
        [
          ["ci/workflow", "ci/default"],
          ["ml/workflow", "ml/default"],
        ],
      );
    },
    "helm: the patch it keeps is that of kustomize where nothing is set"() {
      const file = "deploy/kustomize/components/executor/controller-configmap-patch.yaml";
      const { data } = parse(run(["cat", file])) as { data: { executor: string } };
      deepEqual(keptPatch(template()), readExecutor(data.executor));
    },
    "helm: the patch it keeps takes digest, pull policy, collector, variables and security context"() {
      const digest = `sha256:${"0a".repeat(32)}`;
      const executor = keptPatch(
        template(
          `image.digest=${digest}`,
          "image.pullPolicy=Always",
          "tracing.endpoint=http://c:4317",
          "tracing.protocol=grpc",
          "env[0].name=HTTPS_PROXY,env[0].value=http://proxy:3128",
          "securityContext.runAsNonRoot=true",
        ),
      );
      equal(executor.image, `ghcr.io/skein/argoexec@${digest}`);
      equal(executor.imagePullPolicy, "Always");
      deepEqual(executor.securityContext, { runAsNonRoot: true });
      deepEqual(executor.env, [
        { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "http://c:4317" },
        { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "grpc" },
        { name: "HTTPS_PROXY", value: "http://proxy:3128" },
      ]);
    },
    "helm: a misspelt value is an error that names it"() {
      throws(() => template("image.pullpolicy=Always"), /pullpolicy/);
      throws(() => template("image.digest=sha256:abc"), /digest/);
      throws(() => template("tracing.protocol=http"), /protocol/);
    },
  };
}
