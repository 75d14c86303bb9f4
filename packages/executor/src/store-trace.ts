import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage } from "@skein/contract";
import type { OtlpTraceRequest } from "@skein/telemetry";
import type { TransferParts } from "./parts.ts";
import { locateOutput } from "./save-plan.ts";

/** The name of the object, beside `main.log` and the artifacts of the pod. */
const TRACE_OBJECT = "trace.otlp.json";

/**
 * Saves the trace of the pod where its logs go, as one `ExportTraceServiceRequest` in OTLP's JSON. Not reported in the task
 * result: it is no output. Never fails the container.
 *
 * @param directory private, for the file on its way
 */
export async function storeTrace(
  parts: TransferParts,
  spans: readonly OtlpTraceRequest[],
  directory: string,
): Promise<void> {
  const { log, template } = parts;
  if (spans.length === 0) return;
  try {
    const { artifact } = locateOutput({ name: "trace" }, template.archiveLocation, TRACE_OBJECT);
    const path = join(directory, TRACE_OBJECT);
    await writeFile(
      path,
      JSON.stringify({ resourceSpans: spans.flatMap(({ resourceSpans }) => resourceSpans) }),
    );
    const engine = await parts.createEngine({ signal: new AbortController().signal });
    await engine.save({ artifact: { ...artifact, archive: { none: {} } }, source: { kind: "file", path } });
  } catch (error) {
    log.warn("the trace was not stored", { error: errorMessage(error) });
  }
}
