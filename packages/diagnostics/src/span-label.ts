import { type TraceSpan, textAttribute } from "./span.ts";
import { SPAN_CREATE_POD, SPAN_MAIN, SPAN_NODE } from "./span-names.ts";

/** What tells spans of one name apart, by attribute, the most telling first. */
const TELLING_ATTRIBUTES = [
  "argo.artifact.name",
  "container_name",
  "archive",
  "node_phase",
  "phase",
  "lock_name",
  "s3.operation",
  "k8s.kind",
  "rpc.method",
  "path",
] as const;

/** What a person needs beside the name to know which one it is: the artifact, the container, the phase. May be empty. */
export function spanDetail(span: TraceSpan): string {
  const { attributes } = span;
  if (span.name === SPAN_CREATE_POD) return "";
  if (span.name === SPAN_NODE)
    return textAttribute(attributes, "node_name") ?? textAttribute(attributes, "name") ?? "";
  if (span.name === SPAN_MAIN) {
    const container = textAttribute(attributes, "k8s.container.name") ?? "main";
    const code = textAttribute(attributes, "process.exit.code") ?? "0";
    return [container === "main" ? "" : container, code === "0" ? "" : `exit ${code}`]
      .filter(Boolean)
      .join(" ");
  }
  for (const key of TELLING_ATTRIBUTES) {
    const text = textAttribute(attributes, key);
    if (text) return key === "path" ? (text.split("/").filter(Boolean).at(-1) ?? "") : text;
  }
  return "";
}
