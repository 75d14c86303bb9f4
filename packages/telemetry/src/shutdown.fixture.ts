// A program that traces one span, shuts its tracing down and then only waits for the event loop to run empty.
import { createTracing } from "./create-tracing.ts";

const tracing = await createTracing({ env: process.env, resource: { version: "0.1.0" } });
await tracing.withSpan("stageFiles", {}, async () => {});
const startedAt = performance.now();
await tracing.shutdown();
const shutdownMs = performance.now() - startedAt;
process.stdout.write(JSON.stringify({ level: tracing.level, shutdownMs }));
