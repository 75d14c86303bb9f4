import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildPod } from "./build-pod.ts";
import type { Container, EnvVar, Pod } from "./pod.ts";
import type { ControllerConfig, Step, StepTemplate } from "./step.ts";
import { VERSIONS, versionOf } from "./versions.ts";

const RECORDED = join(import.meta.dirname, "../../conformance/pods");

describe("buildPod", () => {
  it.each(readdirSync(RECORDED))(
    "makes of its template the pod that a v4.1.2 controller made: %s",
    (file) => {
      const recorded = withoutAdmission(JSON.parse(readFileSync(join(RECORDED, file), "utf8")) as Pod);
      const { step, config } = stepOf(recorded);
      const version = versionOf("v4.1", recorded.spec.initContainers ? "init" : "initless");
      const { pod } = buildPod(step, { ...version, logFlags: logFlagsOf(recorded) }, config);
      expect(withParsedTemplate(pod)).toEqual(withParsedTemplate(recorded));
    },
  );

  const step = stepOf(readRecorded("hello-world.json"));
  it.each(VERSIONS)("gives nothing to containers of $name ($layout) that it does not know yet", (version) => {
    const { pod } = buildPod(step.step, version, step.config);
    const main = pod.spec.containers.find(({ name }) => name === "main");
    const names = main?.env?.map(({ name }) => name) ?? [];
    expect(names.includes("TRACEPARENT")).toBe(version.name === "v4.1");
    expect(names.includes("ARGO_TEMPLATE")).toBe(version.name === "v3.5");
    expect(main?.command?.includes("--gloglevel")).toBe(version.name !== "v3.5");
  });

  it("puts a template that is too long for a variable into the pod's ConfigMap, where the version can", () => {
    const long = { ...step.step, template: { ...step.step.template, name: "n".repeat(140_000) } };
    const { pod, offloaded } = buildPod(long, versionOf("v3.6"), step.config);
    expect(JSON.parse(offloaded?.ARGO_TEMPLATE ?? "{}").name).toHaveLength(140_000);
    expect(variableOf(pod.spec.initContainers?.[0], "ARGO_TEMPLATE")).toBe("offloaded");
    expect(buildPod(long, versionOf("v3.5"), step.config).offloaded).toBeUndefined();
  });
});

function readRecorded(file: string): Pod {
  return withoutAdmission(JSON.parse(readFileSync(join(RECORDED, file), "utf8")) as Pod);
}

function variableOf(container: Container | undefined, variable: string): string | undefined {
  return container?.env?.find(({ name }) => name === variable)?.value;
}

/** What the controller was told when it made the pod. */
function stepOf({ metadata, spec }: Pod): { step: Step; config: ControllerConfig } {
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const carrier = all.find((container) => variableOf(container, "ARGO_TEMPLATE")) as Container;
  const { archiveLocation, ...template } = JSON.parse(
    variableOf(carrier, "ARGO_TEMPLATE") ?? "",
  ) as StepTemplate & {
    archiveLocation: ControllerConfig["repository"];
  };
  const isOtel = ({ name }: EnvVar): boolean => name.startsWith("OTEL_");
  const { key: _, ...s3 } = archiveLocation.s3;
  const { annotations } = metadata;
  return {
    step: {
      workflow: {
        name: metadata.labels["workflows.argoproj.io/workflow"] ?? "",
        uid: variableOf(carrier, "ARGO_WORKFLOW_UID") ?? "",
      },
      nodeName: annotations["workflows.argoproj.io/node-name"] ?? "",
      nodeId: annotations["workflows.argoproj.io/node-id"] ?? "",
      podName: metadata.name,
      template,
      includeScriptOutput: variableOf(carrier, "ARGO_INCLUDE_SCRIPT_OUTPUT") === "true",
      serviceAccountName: spec.serviceAccountName,
      trace: {
        traceId: annotations["workflows.argoproj.io/trace-id"] ?? "",
        spanId: annotations["workflows.argoproj.io/span-id"] ?? "",
      },
    },
    config: {
      namespace: metadata.namespace,
      executor: { image: carrier.image, env: carrier.env?.filter(isOtel) ?? [] },
      images: { "argoproj/argosay:v2": { command: ["/argosay"] } },
      mainContainer: { env: carrier.env?.filter(isOtel) ?? [] },
      repository: { ...archiveLocation, s3 },
    },
  };
}

function logFlagsOf({ spec }: Pod): string[] {
  return spec.containers[0]?.command?.slice(2) ?? [];
}

/** Without what the API server and its admission added. */
function withoutAdmission({ apiVersion, kind, metadata, spec }: Pod): Pod {
  const { name, namespace, labels, annotations, ownerReferences } = metadata;
  const isToken = (volume: { name: string }): boolean => volume.name.startsWith("kube-api-access-");
  const container = (one: Container & Record<string, unknown>): Container => {
    const { resources: _, terminationMessagePath: __, terminationMessagePolicy: ___, ...rest } = one;
    const { imagePullPolicy: ____, ...kept } = rest;
    return {
      ...kept,
      volumeMounts: kept.volumeMounts?.filter((mount) => !isToken(mount)) ?? [],
    } as Container;
  };
  const { initContainers, containers, volumes, restartPolicy, serviceAccountName } = spec;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, annotations, ownerReferences },
    spec: {
      volumes: volumes.filter((volume) => !isToken(volume)).map(withoutMode),
      ...(initContainers ? { initContainers: initContainers.map((one) => container(one as never)) } : {}),
      containers: containers.map((one) => container(one as never)),
      restartPolicy,
      serviceAccountName,
    },
  };
}

function withoutMode(volume: Pod["spec"]["volumes"][number]): Pod["spec"]["volumes"][number] {
  if (!volume.secret) return volume;
  const { secretName, items } = volume.secret;
  return { name: volume.name, secret: { secretName, ...(items ? { items } : {}) } };
}

/** The order of fields in the template's JSON does not count. */
function withParsedTemplate(pod: Pod): unknown {
  const variable = (one: EnvVar): unknown =>
    one.name === "ARGO_TEMPLATE" ? { ...one, value: JSON.parse(one.value ?? "") } : one;
  // Of the template; what admission adds is the same.
  const container = ({ resources: _, ...one }: Container): unknown => ({
    ...one,
    env: one.env?.map(variable),
  });
  const { initContainers, containers, ...spec } = pod.spec;
  return {
    ...pod,
    spec: {
      ...spec,
      ...(initContainers ? { initContainers: initContainers.map(container) } : {}),
      containers: containers.map(container),
    },
  };
}
