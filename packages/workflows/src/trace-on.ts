import { ANNOTATION_TRACE, ANNOTATION_TRACE_LINK, formatTraceparent } from "@skein/contract";
import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isSeq,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  visit,
} from "yaml";
import { WorkflowObjectError } from "./read-objects.ts";
import { toYaml } from "./to-yaml.ts";
import { traceIds } from "./trace-ids.ts";
import type { PodObject, WorkflowObject } from "./workflow-object.ts";

/** The trace levels that turn something on. */
export const TRACE_LEVELS = ["phases", "artifacts", "files"] as const;
export type TraceLevelName = (typeof TRACE_LEVELS)[number];

export interface TraceOnOptions {
  level: TraceLevelName;
  /** For messages: a file name, or `stdin`. */
  source: string;
  /** Pods of a workflow that has run, for the trace their controller gave them. */
  pods?: readonly PodObject[];
}

/** Where the workflow's spec is, by kind. */
const SPEC_PATHS: Readonly<Record<string, readonly string[]>> = {
  Workflow: ["spec"],
  WorkflowTemplate: ["spec"],
  ClusterWorkflowTemplate: ["spec"],
  CronWorkflow: ["spec", "workflowSpec"],
};

/**
 * The same YAML with tracing turned on for all templates, by `templateDefaults`: no cluster setting changes, and no
 * other workflow is traced. Comments and order stay. A list, as `kubectl get` prints it, is taken apart: of what the cluster
 * has made, only workflows are for another run. A workflow that has run already becomes one to be run again, as
 * `argo resubmit` would, with a link to the first run's trace. Documents of other kinds pass through as they are.
 *
 * @throws WorkflowObjectError when there is nothing to turn it on for
 */
export function turnTracingOn(text: string, options: TraceOnOptions): string {
  const parsed = parseAllDocuments(text);
  for (const { errors } of parsed) {
    const [problem] = errors;
    if (problem) throw new WorkflowObjectError(`${options.source}: ${problem.message}`);
  }
  const { documents, pods } = unpackLists(parsed);
  let count = 0;
  for (const document of documents) {
    refuseLooseAliases(document, options.source);
    const path = SPEC_PATHS[String(document.get("kind"))];
    if (!path) continue;
    count += 1;
    const link =
      document.getIn(["metadata", "uid"]) === undefined
        ? undefined
        : makeResubmission(document, { ...options, pods: [...pods, ...(options.pods ?? [])] });
    annotate(document, path, {
      [ANNOTATION_TRACE]: options.level,
      ...(link ? { [ANNOTATION_TRACE_LINK]: link } : {}),
    });
  }
  if (count === 0) {
    throw new WorkflowObjectError(
      `${options.source} holds no ${Object.keys(SPEC_PATHS).join(", ")} to trace`,
    );
  }
  // What begins like JSON is read as JSON, by kubectl too; and then there is no more than one document of it.
  if (isJson(text)) {
    const [first, ...more] = documents.map((document) => document.toJS() as unknown);
    if (more.length === 0) return `${JSON.stringify(first, undefined, 2)}\n`;
    return [first, ...more].map((object) => toYaml(object)).join("---\n");
  }
  // Each but the first brings its own `---`.
  return documents
    .map((document) => document.toString({ lineWidth: 0 }))
    .reduce((all, each) => `${all}${all !== "" && !each.startsWith("---") ? "---\n" : ""}${each}`, "");
}

/** The objects of lists, each as a document of its own; and the pods among them, which say what trace a run had. */
function unpackLists(parsed: readonly Document[]): { documents: Document[]; pods: PodObject[] } {
  const pods: PodObject[] = [];
  const documents = parsed.flatMap((document) => {
    const items = document.get("items", true);
    if (!/List$/.test(String(document.get("kind"))) || !isSeq(items)) return [document];
    return items.items.flatMap((item) => {
      const own = new Document();
      own.contents = item as ParsedNode;
      if (own.get("kind") === "Pod") pods.push(own.toJS() as PodObject);
      const isOfCluster = own.getIn(["metadata", "uid"]) !== undefined;
      return isOfCluster && !SPEC_PATHS[String(own.get("kind"))] ? [] : [own];
    });
  });
  return { documents, pods };
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** The parser lets an alias without its anchor pass; only printing it would fail. */
function refuseLooseAliases(document: Document, source: string): void {
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return;
      throw new WorkflowObjectError(`${source}: *${alias.source} has no anchor &${alias.source} before it`);
    },
  });
}

function annotate(
  document: Document,
  specPath: readonly string[],
  annotations: Record<string, string>,
): void {
  for (const [key, value] of Object.entries(annotations)) {
    setIn(document, [...specPath, "templateDefaults", "metadata", "annotations", key], value);
  }
  // A template that names a level itself would win over the default.
  const templates = nodeAt(document, [...specPath, "templates"]);
  for (const index of isSeq(templates) ? templates.items.keys() : []) {
    const path = [...specPath, "templates", index, "metadata", "annotations", ANNOTATION_TRACE];
    if (nodeAt(document, path)) setIn(document, path, annotations[ANNOTATION_TRACE] ?? "");
  }
}

/**
 * Like `document.setIn`, but what is not written at its place, but there by an alias or a merge key (`<<`), is copied to it
 * first, or all that it holds would be lost; and a `null` on the way (`metadata:` with nothing behind it) is replaced.
 */
function setIn(document: Document, path: Path, value: string): void {
  for (let length = 1; length < path.length; length += 1) {
    const above = path.slice(0, length);
    if (isCollection(document.getIn(above, true))) continue;
    const there = nodeAt(document, above);
    document.setIn(above, isCollection(there) ? copyOf(there) : document.createNode({}));
  }
  document.setIn(path, value);
}

/** As it is written, quotes included: a `"yes"` without them would be a boolean to Kubernetes. */
function copyOf(node: Node): Node {
  const copy = node.clone() as Node;
  visit(copy, {
    Collection: (_key, collection) => void delete collection.anchor,
    Scalar: (_key, scalar) => void delete scalar.anchor,
  });
  return copy;
}

type Path = readonly (string | number)[];

/** What a reader of the document finds there, through aliases and merge keys. */
function nodeAt(document: Document, path: Path): unknown {
  let at: unknown = document.contents;
  for (const key of path) at = childOf(document, at, key);
  return resolved(document, at);
}

function childOf(document: Document, parent: unknown, key: string | number): unknown {
  const node = resolved(document, parent);
  if (isSeq(node)) return typeof key === "number" ? node.get(key, true) : undefined;
  if (!isMap(node)) return undefined;
  if (node.has(key)) return node.get(key, true);
  const merged = resolved(document, node.get("<<", true));
  const sources = isSeq(merged) ? merged.items : [merged];
  return sources.map((source) => childOf(document, source, key)).find((found) => found !== undefined);
}

function resolved(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** What the API server and the controller have added, and a second run must not begin with. */
const RUN_METADATA = [
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "generation",
  "managedFields",
  "selfLink",
  "finalizers",
  "ownerReferences",
];
const RUN_LABELS = [
  "workflows.argoproj.io/phase",
  "workflows.argoproj.io/completed",
  "workflows.argoproj.io/workflow-archiving-status",
  "workflows.argoproj.io/resubmitted-from-workflow",
];
const RUN_ANNOTATIONS = [
  "workflows.argoproj.io/pod-name-format",
  "kubectl.kubernetes.io/last-applied-configuration",
  ANNOTATION_TRACE_LINK,
];

/** What the API server appends to a generateName: https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go */
const RANDOM_SUFFIX = /-[bcdfghjklmnpqrstvwxz2456789]{5}$/;

/** @returns the `traceparent` of the run that was */
function makeResubmission(document: Document, { source, pods = [] }: TraceOnOptions): string | undefined {
  const workflow = document.toJS() as WorkflowObject;
  const { name = "workflow" } = workflow.metadata;
  if (workflow.kind !== "Workflow") {
    forget(document, ["metadata"], RUN_METADATA);
    return undefined;
  }
  if (!workflow.status?.startedAt) {
    throw new WorkflowObjectError(
      `${source}: workflow ${name} is in the cluster but has not run; delete it there and give the file it came from`,
    );
  }
  forget(document, ["metadata"], [...RUN_METADATA, "name"]);
  forget(document, ["metadata", "labels"], RUN_LABELS);
  forget(document, ["metadata", "annotations"], RUN_ANNOTATIONS);
  document.delete("status");
  const stem = workflow.metadata.generateName || `${name.replace(RANDOM_SUFFIX, "")}-`;
  document.setIn(["metadata", "generateName"], stem);
  // What stopped the first run would stop the second one before it has begun.
  forget(
    document,
    ["spec"],
    ["shutdown", ...(workflow.spec?.activeDeadlineSeconds === 0 ? ["activeDeadlineSeconds"] : [])],
  );
  document.setIn(["metadata", "labels", "workflows.argoproj.io/resubmitted-from-workflow"], name);
  const ids = traceIds(workflow, pods);
  const link = formatTraceparent({ traceId: ids.traceId, spanId: ids.workflow, traceFlags: 1 });
  setIn(document, ["metadata", "annotations", ANNOTATION_TRACE_LINK], link);
  return link;
}

function forget(document: Document, path: readonly string[], keys: readonly string[]): void {
  for (const key of keys) if (document.hasIn([...path, key])) document.deleteIn([...path, key]);
}
