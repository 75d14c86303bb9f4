import { appendFileSync } from "node:fs";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import { toTraceRequest } from "./span-codec.ts";

/**
 * Appends spans to a file, one `ExportTraceServiceRequest` in OTLP's JSON per line, as the collector's file exporter
 * writes them. Several processes may append to one file: each line is one write with `O_APPEND`. That is why it
 * is a synchronous call; the asynchronous one writes a long line in pieces of 512 KiB.
 */
export function createFileSink(path: string): SpanExporter {
  return {
    export(spans: ReadableSpan[], done) {
      try {
        appendFileSync(path, `${JSON.stringify(toTraceRequest(spans))}\n`);
        done({ code: 0 });
      } catch (error) {
        done({ code: 1, error: error as Error });
      }
    },
    shutdown: async () => {},
  };
}
