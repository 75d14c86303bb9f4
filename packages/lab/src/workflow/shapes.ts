import {
  argumentArtifact,
  inputArtifact,
  locations,
  outputArtifact,
  secretSelector,
} from "./artifact-shapes.ts";
import { anyText, flag, ignored, integer, list, mapOf, object, type Shape, text } from "./shape.ts";

/**
 * Everything the lab understands of a workflow file. A field that is not here is refused by name; one that is
 * `ignored` cannot change what the workflow computes, only where and with how much room it runs.
 */

const parameterFields: Record<string, Shape> = {
  name: text,
  value: anyText,
  default: anyText,
  enum: list(anyText),
  description: ignored,
};

const parameter = object("a parameter", parameterFields, ["name"]);
const outputParameter = object(
  "an output parameter",
  {
    name: text,
    description: ignored,
    valueFrom: object("valueFrom", { path: text, parameter: text, default: anyText }),
  },
  ["name", "valueFrom"],
);

const argumentsShape = object("arguments", {
  parameters: list(parameter),
  artifacts: list(argumentArtifact),
});

const environmentVariable = object(
  "an environment variable",
  {
    name: text,
    value: text,
    valueFrom: object("valueFrom of an environment variable", { secretKeyRef: secretSelector }, [
      "secretKeyRef",
    ]),
  },
  ["name"],
);

const containerFields: Record<string, Shape> = {
  name: text,
  image: text,
  command: list(text),
  args: list(text),
  env: list(environmentVariable),
  workingDir: text,
  volumeMounts: list(
    object("a volume mount", { name: text, mountPath: text, subPath: text, readOnly: flag }, [
      "name",
      "mountPath",
    ]),
  ),
  imagePullPolicy: ignored,
  resources: ignored,
  ports: ignored,
  readinessProbe: ignored,
};

const containerSet = object(
  "a containerSet",
  {
    containers: list(
      object("a container of a containerSet", { ...containerFields, dependencies: list(text) }, ["name"]),
    ),
    volumeMounts: containerFields.volumeMounts as Shape,
    retryStrategy: object("retryStrategy of a containerSet", { retries: anyText, duration: text }, [
      "retries",
    ]),
  },
  ["containers"],
);

const extraContainer = (what: string): Shape =>
  object(what, { ...containerFields, mirrorVolumeMounts: flag }, ["name"]);

const retryStrategy = object("retryStrategy", {
  limit: anyText,
  retryPolicy: text,
  backoff: object("backoff", { duration: anyText, factor: anyText, cap: anyText, maxDuration: anyText }),
  affinity: ignored,
});

const volume = object(
  "a volume",
  {
    name: text,
    emptyDir: mapOf(ignored),
    secret: object(
      "a secret volume",
      {
        secretName: text,
        defaultMode: ignored,
        items: list(
          object("an item of a secret volume", { key: text, path: text, mode: ignored }, ["key", "path"]),
        ),
      },
      ["secretName"],
    ),
  },
  ["name"],
);

const stepFields: Record<string, Shape> = { name: text, template: text, arguments: argumentsShape };

/** What only the scheduler and the cluster's housekeeping look at. */
const scheduling: Record<string, Shape> = {
  affinity: ignored,
  automountServiceAccountToken: ignored,
  executor: ignored,
  metrics: ignored,
  nodeSelector: ignored,
  podDisruptionBudget: ignored,
  podMetadata: ignored,
  priority: ignored,
  podPriorityClassName: ignored,
  priorityClassName: ignored,
  schedulerName: ignored,
  serviceAccountName: ignored,
  tolerations: ignored,
};

const templateFields: Record<string, Shape> = {
  ...scheduling,
  name: text,
  metadata: object("a template's metadata", { labels: mapOf(text), annotations: mapOf(text) }),
  inputs: object("inputs", { parameters: list(parameter), artifacts: list(inputArtifact) }),
  outputs: object("outputs", { parameters: list(outputParameter), artifacts: list(outputArtifact) }),
  container: object("a container", containerFields),
  script: object("a script", { ...containerFields, source: text }, ["source"]),
  containerSet,
  sidecars: list(extraContainer("a sidecar")),
  initContainers: list(extraContainer("an init container")),
  retryStrategy,
  podSpecPatch: text,
  steps: list(list(object("a step", stepFields, ["name", "template"]))),
  dag: object(
    "a dag",
    {
      failFast: flag,
      tasks: list(
        object("a task", { ...stepFields, dependencies: list(text), depends: text }, ["name", "template"]),
      ),
    },
    ["tasks"],
  ),
  archiveLocation: object("archiveLocation", { archiveLogs: flag, ...locations }),
  volumes: list(volume),
  activeDeadlineSeconds: anyText,
  timeout: text,
};

const housekeeping: Record<string, Shape> = {
  creationTimestamp: ignored,
  finalizers: ignored,
  generation: ignored,
  managedFields: ignored,
  ownerReferences: ignored,
  resourceVersion: ignored,
  uid: ignored,
};

export const workflowShape = object(
  "a workflow",
  {
    apiVersion: text,
    kind: text,
    metadata: object("metadata", {
      ...housekeeping,
      name: text,
      generateName: text,
      namespace: text,
      labels: mapOf(text),
      annotations: mapOf(text),
    }),
    spec: object(
      "a workflow's spec",
      {
        ...scheduling,
        entrypoint: text,
        arguments: argumentsShape,
        templates: list(object("a template", templateFields, ["name"])),
        templateDefaults: object("templateDefaults", templateFields),
        volumes: list(volume),
        archiveLogs: flag,
        artifactRepositoryRef: object("artifactRepositoryRef", { configMap: text, key: text }),
        activeDeadlineSeconds: integer,
        parallelism: integer,
        artifactGC: ignored,
        dnsConfig: ignored,
        dnsPolicy: ignored,
        imagePullSecrets: ignored,
        podGC: ignored,
        ttlStrategy: ignored,
        volumeClaimGC: ignored,
      },
      ["entrypoint", "templates"],
    ),
  },
  ["metadata", "spec"],
);

const objectMetadata = object(
  "metadata",
  { ...housekeeping, name: text, namespace: ignored, labels: ignored, annotations: ignored },
  ["name"],
);

export const secretShape = object(
  "a Secret",
  {
    apiVersion: text,
    kind: text,
    metadata: objectMetadata,
    type: ignored,
    immutable: ignored,
    data: mapOf(text),
    stringData: mapOf(text),
  },
  ["metadata"],
);

export const configMapShape = object(
  "a ConfigMap",
  { apiVersion: text, kind: text, metadata: objectMetadata, immutable: ignored, data: mapOf(text) },
  ["metadata"],
);
