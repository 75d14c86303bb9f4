import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { SpanLine } from "@skein/contract";
import { toOtlpSpan } from "./span-codec.ts";

/** Hands each finished span to the journal, from which a later act exports it. */
export function createJournalSink(append: (line: SpanLine) => void): SpanExporter {
  return {
    export(spans: ReadableSpan[], done) {
      try {
        for (const span of spans) append({ event: "span", span: { ...toOtlpSpan(span) } });
        done({ code: 0 });
      } catch (error) {
        done({ code: 1, error: error as Error });
      }
    },
    shutdown: async () => {},
  };
}
