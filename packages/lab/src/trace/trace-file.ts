import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

/** Gets every request for export, one JSON line each, as a collector's file exporter writes it. */
export interface TraceFile {
  write(request: { resourceSpans: unknown[] }): void;
  close(): Promise<void>;
}

/** Opens the file anew. */
export async function openTraceFile(path: string): Promise<TraceFile> {
  const stream = createWriteStream(path, { flags: "w" });
  await once(stream, "open");
  return {
    write: (request) => void stream.write(`${JSON.stringify(request)}\n`),
    close: async () => {
      stream.end();
      await finished(stream);
    },
  };
}
