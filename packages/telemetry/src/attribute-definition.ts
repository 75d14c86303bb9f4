/** One row of the table of attributes in docs/tracing.md. */
export interface AttributeDefinition {
  key: string;
  type: "string" | "int" | "double" | "string[]";
  /** Spans, events or `resource`. */
  on: string;
  brief: string;
  /** The convention it follows; ours when absent. */
  source?: keyof typeof CONVENTIONS;
}

/** Where the names that are not ours come from. */
export const CONVENTIONS = {
  argo: "https://argo-workflows.readthedocs.io/en/latest/tracing/",
  cicd: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/cicd/",
  aws: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/aws/",
  vcs: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/vcs/",
  k8s: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/k8s/",
  process: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/process/",
  service: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/service/",
  server: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/server/",
  file: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/file/",
  error: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/",
  exception: "https://opentelemetry.io/docs/specs/semconv/registry/attributes/exception/",
} as const;
