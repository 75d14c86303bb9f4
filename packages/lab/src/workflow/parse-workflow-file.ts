import { type Position, type Problem, WorkflowFileError } from "../errors.ts";
import type { Report, Shape } from "./shape.ts";
import { configMapShape, secretShape, workflowShape } from "./shapes.ts";
import type { Path } from "./tags.ts";
import type { Secrets, Workflow } from "./types.ts";
import { parseYaml, type SourceDocument } from "./yaml-source.ts";

/** What a workflow file says, once everything in it has a shape the lab understands. */
export interface WorkflowFile {
  /** As it was named on the command line; for messages. */
  name: string;
  workflow: Workflow;
  secrets: Secrets;
  /** Texts by config map name and key. */
  configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Where a part of the workflow stands in the file. */
  position(path: Path): Position;
}

/** What the lab reads, and the version each must be of. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  Workflow: "argoproj.io/v1alpha1",
  Secret: "v1",
  ConfigMap: "v1",
};

const EXPECTED =
  "a Workflow (apiVersion: argoproj.io/v1alpha1, kind: Workflow), and Secrets and ConfigMaps beside it";

/** Kinds that people keep beside their workflows and that the lab cannot run, with the way out. */
const REFUSED_KINDS: Readonly<Record<string, string>> = {
  WorkflowTemplate: "copy its templates into a Workflow",
  ClusterWorkflowTemplate: "copy its templates into a Workflow",
  CronWorkflow: "make its workflowSpec the spec of a Workflow",
};

/**
 * Reads a file with one `Workflow`, and the `Secret`s and `ConfigMap`s it refers to.
 *
 * @throws WorkflowFileError with everything that is not understood, by line and column
 */
export function parseWorkflowFile(name: string, text: string): WorkflowFile {
  const { documents, problems } = parseYaml(text);
  const workflows: { workflow: Workflow; document: SourceDocument }[] = [];
  const secrets = new Map<string, Map<string, Uint8Array>>();
  const configMaps = new Map<string, Record<string, string>>();
  for (const document of documents) {
    const kind = kindOf(document);
    const read = (shape: Shape): unknown => checkDocument(document, shape, problems);
    checkVersion(document, kind, problems);
    if (kind === "Workflow") workflows.push({ workflow: read(workflowShape) as Workflow, document });
    else if (kind === "Secret") addSecret(secrets, read(secretShape) as SecretObject, document, problems);
    else if (kind === "ConfigMap") addConfigMap(configMaps, read(configMapShape) as ConfigMapObject);
    else problems.push({ ...document.position(["kind"]), message: refuseKind(kind) });
  }
  const [first, second] = workflows;
  if (!first && problems.length === 0)
    problems.push({ line: 1, column: 1, message: `there is no Workflow in this file; expected ${EXPECTED}` });
  if (second) {
    problems.push({
      ...second.document.position(["kind"]),
      message: "a second Workflow; the lab runs one at a time",
    });
  }
  if (!first || problems.length > 0) throw new WorkflowFileError(name, problems);
  return { name, workflow: first.workflow, secrets, configMaps, position: first.document.position };
}

function kindOf(document: SourceDocument): string {
  const kind = (document.value as { kind?: unknown } | null)?.kind;
  return typeof kind === "string" ? kind : "";
}

function refuseKind(kind: string): string {
  if (kind === "") return `not a Kubernetes object: it has no "kind"; expected ${EXPECTED}`;
  const way = REFUSED_KINDS[kind];
  return `the lab does not understand the kind ${kind}${way === undefined ? `; expected ${EXPECTED}` : `; ${way}`}`;
}

function checkVersion(document: SourceDocument, kind: string, problems: Problem[]): void {
  const wanted = API_VERSIONS[kind];
  if (wanted === undefined) return;
  const { apiVersion } = document.value as { apiVersion?: unknown };
  if (apiVersion === wanted) return;
  const found =
    apiVersion === undefined || apiVersion === null ? "it has none" : `not ${JSON.stringify(apiVersion)}`;
  problems.push({
    ...document.position(["apiVersion"]),
    message: `a ${kind} needs "apiVersion: ${wanted}"; ${found}`,
  });
}

function checkDocument(document: SourceDocument, shape: Shape, problems: Problem[]): unknown {
  const report: Report = (path, message) => void problems.push({ ...document.position(path), message });
  return shape(document.value, [], report);
}

interface SecretObject {
  metadata: { name: string };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

interface ConfigMapObject {
  metadata: { name: string };
  data?: Record<string, string>;
}

function addSecret(
  secrets: Map<string, Map<string, Uint8Array>>,
  secret: SecretObject | undefined,
  document: SourceDocument,
  problems: Problem[],
): void {
  if (!secret?.metadata?.name) return;
  const values = new Map<string, Uint8Array>();
  for (const [key, encoded] of Object.entries(secret.data ?? {})) {
    if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(encoded)) {
      problems.push({
        ...document.position(["data", key]),
        message: `"${key}" is not base64; plain text belongs in stringData`,
      });
    }
    values.set(key, Buffer.from(encoded, "base64"));
  }
  for (const [key, value] of Object.entries(secret.stringData ?? {})) values.set(key, Buffer.from(value));
  secrets.set(secret.metadata.name, values);
}

function addConfigMap(
  configMaps: Map<string, Record<string, string>>,
  configMap: ConfigMapObject | undefined,
): void {
  if (configMap?.metadata?.name) configMaps.set(configMap.metadata.name, configMap.data ?? {});
}
