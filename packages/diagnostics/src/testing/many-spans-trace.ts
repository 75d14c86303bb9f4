import { createTraceBuilder } from "./trace-builder.ts";

/** A trace of about `spans` spans, a hundred to a pod, for whatever must stay quick. */
export function manySpansTrace(spans: number): ReturnType<typeof createTraceBuilder> {
  const trace = createTraceBuilder(`many ${spans}`);
  const workflow = trace.add({
    name: "workflow",
    at: 0,
    seconds: 3600,
    attributes: { name: "big" },
    ok: true,
  });
  const pods = Math.ceil(spans / 100);
  for (let pod = 0; pod < pods; pod += 1) {
    const at = (pod / pods) * 3000;
    const resource = { "service.name": "argoexec", "k8s.pod.name": `big-work-${pod}` };
    const node = trace.add({
      name: "node",
      at,
      seconds: 500,
      parent: workflow,
      attributes: { node_id: `big-${pod}`, name: `big.work(${pod})`, node_type: "Pod" },
      ok: true,
    });
    const main = trace.add({ name: "runMainContainer", at: at + 1, seconds: 498, parent: node, resource });
    for (let index = 0; index < 97; index += 1) {
      trace.add({
        name: `request ${index % 7}`,
        at: at + 2 + index * 5,
        seconds: 0.5 + ((index * 31) % 40) / 10,
        parent: main,
        attributes: {
          "url.path": `/items/${pod}/${index}`,
          "http.response.status_code": index % 50 === 0 ? 503 : 200,
        },
        ...(index === 50 && pod % 100 === 0
          ? { error: { message: "503 Service Unavailable", type: "http.status" } }
          : {}),
        resource,
      });
    }
  }
  return trace;
}
