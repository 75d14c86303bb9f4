import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createTracing } from "./create-tracing.ts";
import type { OtlpSpan, OtlpTraceRequest } from "./otlp-span.ts";

const LINKED = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };

const ELSEWHERE: OtlpSpan = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "",
  name: "runMainContainer",
  kind: 1,
  startTimeUnixNano: "1000000000",
  endTimeUnixNano: "2000000000",
  status: {},
};

it("links the spans of containers, and no others, to the run that the annotation names", async () => {
  const directory = await mkdtemp(join(tmpdir(), "telemetry-"));
  const file = join(directory, "trace.jsonl");
  const tracing = await createTracing({
    env: { SKEIN_TRACE_FILE: file },
    resource: { version: "1" },
    linkAnnotation: `00-${LINKED.traceId}-${LINKED.spanId}-01`,
  });
  await tracing.withSpan("runInitContainer", {}, () => tracing.withSpan("loadArtifacts", {}, () => {}));
  tracing.emit([ELSEWHERE, { ...ELSEWHERE, spanId: "b7ad6b7169203332", name: "waitWorkload" }]);
  await tracing.shutdown();
  const requests = (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as OtlpTraceRequest);
  const spans = requests.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
  expect(
    Object.fromEntries(
      spans.map(({ name, links }) => [name, links?.map(({ traceId, spanId }) => ({ traceId, spanId }))]),
    ),
  ).toEqual({
    runInitContainer: [LINKED],
    loadArtifacts: [],
    runMainContainer: [LINKED],
    waitWorkload: [],
  });
  await rm(directory, { recursive: true });
});
