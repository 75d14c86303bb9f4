// A program that traces one transfer, of which a metric is made, shuts its tracing down and then only waits for the event loop to run empty.
import { createTracing } from "./create-tracing.ts";

const tracing = await createTracing({ env: process.env, resource: { version: "0.1.0" } });
await tracing.withSpan("loadArtifact", {}, async () => {});
const startedAt = performance.now();
await tracing.shutdown();
const shutdownMs = performance.now() - startedAt;
process.stdout.write(JSON.stringify({ level: tracing.level, shutdownMs }));
