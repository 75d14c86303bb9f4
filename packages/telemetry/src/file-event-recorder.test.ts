import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import type { FileRecord } from "./file-event-recorder.ts";
import { createFileEventRecorder } from "./file-event-recorder.ts";
import type { TraceLevel } from "./trace-level.ts";
import type { Attributes, Span } from "./tracing.ts";

interface Recorded {
  events: { name: string; attributes: Attributes; atMs: number | undefined }[];
  attributes: Record<string, unknown>;
}

/** Records the files, one a millisecond, and gives what ended up on the span. */
function record(files: FileRecord[], level: TraceLevel, direction: "load" | "save" = "load"): Recorded {
  const recorded: Recorded = { events: [], attributes: {} };
  const span: Span = {
    context: { traceId: "", spanId: "", traceFlags: 1 },
    isRecording: true,
    setAttribute: (key, value) => {
      recorded.attributes[key] = value;
    },
    setAttributes: () => {},
    addEvent: (name, attributes = {}, atMs) => recorded.events.push({ name, attributes, atMs }),
    recordError: () => {},
  };
  let clock = 0;
  const recorder = createFileEventRecorder({ span, direction, level, now: () => ++clock });
  for (const file of files) recorder.record(file);
  recorder.finish();
  return recorded;
}

function files(count: number, durationMs: (index: number) => number = () => 1): FileRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    file: `f${index}`,
    sizeBytes: 10,
    durationMs: durationMs(index),
    offsetBytes: index * 10,
  }));
}

describe("createFileEventRecorder", () => {
  it("lists every file of a small artifact with size, seconds and offset", () => {
    const { events, attributes } = record(
      files(2, () => 250),
      "artifacts",
      "save",
    );
    expect(events).toEqual([
      { name: "upload file", attributes: fileAttributes("f0", 0), atMs: 1 },
      { name: "upload file", attributes: fileAttributes("f1", 10), atMs: 2 },
    ]);
    expect(attributes).toEqual({});
  });

  it("keeps the first 32, the slowest 32 and says how many are not listed", () => {
    const { events, attributes } = record(
      files(1000, (index) => (index % 10 === 3 ? 100 + index : 1)),
      "artifacts",
    );
    const listed = events.map((event) => event.attributes.file);
    expect(listed).toHaveLength(64);
    expect(listed.slice(0, 32)).toEqual(files(32).map((file) => file.file));
    expect(listed.slice(32)).toEqual(Array.from({ length: 32 }, (_, index) => `f${683 + index * 10}`));
    expect(attributes).toEqual({ "argo.artifact.files.unlisted": 936 });
  });

  it("puts the events in the order of time, whatever made them be listed", () => {
    const { events } = record(
      files(200, (index) => 200 - index),
      "artifacts",
    );
    const times = events.map((event) => event.atMs ?? 0);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it("lists every failed file beyond the budget, with the error's type", () => {
    const error = new ArtifactError("disk is full", { code: "disk.full" });
    const many = files(500).map((file, index) => (index >= 400 ? { ...file, error } : file));
    const { events } = record(many, "artifacts");
    const failed = events.filter((event) => event.attributes["error.type"] === "disk.full");
    expect(failed).toHaveLength(100);
    expect(failed[0]?.attributes["error.message"]).toBe("disk is full");
  });

  it("has room for 512 and 512 at level files", () => {
    const { events, attributes } = record(files(2000), "files");
    expect(events).toHaveLength(1024);
    expect(attributes).toEqual({ "argo.artifact.files.unlisted": 976 });
  });

  it("lists none at level phases and still counts them", () => {
    const { events, attributes } = record(files(5), "phases");
    expect(events).toEqual([]);
    expect(attributes).toEqual({ "argo.artifact.files.unlisted": 5 });
  });
});

function fileAttributes(file: string, offset: number): Attributes {
  return {
    file,
    "file.size": 10,
    "argo.file.duration": 0.25,
    "argo.file.offset": offset,
    "error.type": undefined,
    "error.message": undefined,
  };
}
