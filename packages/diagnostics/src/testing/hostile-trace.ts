import { createTraceBuilder } from "./trace-builder.ts";

/** What someone would write into a trace to have a script of theirs run in the reader's browser. */
export const HOSTILE_TEXTS = [
  "</script><script>globalThis.owned = 'script'</script>",
  "<img src=x onerror=\"globalThis.owned = 'img'\">",
  '"><svg onload="globalThis.owned = \'svg\'">',
  "<!--<script>",
  "javascript:globalThis.owned='url'",
  "\u2028\u2029\\u003c",
  "__proto__",
] as const;

/** A trace with these texts in every place that holds text. */
export function hostileTrace(): ReturnType<typeof createTraceBuilder> {
  const builder = createTraceBuilder("hostile");
  const all = HOSTILE_TEXTS.join(" ");
  const workflow = builder.add({
    name: "workflow",
    at: 0,
    seconds: 9,
    attributes: { name: all, namespace: all },
    error: { message: all },
  });
  const node = { node_id: all, name: all, node_type: "Pod" };
  const parent = builder.add({
    name: "node",
    at: 0,
    seconds: 9,
    parent: workflow,
    attributes: node,
    error: { message: all },
  });
  for (const [index, text] of HOSTILE_TEXTS.entries()) {
    builder.add({
      name: index % 2 === 0 ? text : "loadArtifact",
      at: index,
      seconds: 1,
      parent,
      scope: text,
      resource: { [text]: text, "k8s.pod.name": text },
      attributes: {
        [text]: text,
        "argo.artifact.name": text,
        "argo.artifact.driver": text,
        "argo.artifact.verdict": text,
        "aws.s3.bucket": text,
        "aws.s3.key": text,
      },
      events: [
        {
          name: text,
          at: index,
          attributes: { [text]: text, file: text, "file.size": 1, "argo.file.duration": 0.5 },
        },
      ],
      error: { message: text, type: text, stack: text },
    });
  }
  return builder;
}
