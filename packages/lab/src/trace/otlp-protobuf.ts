import protobuf from "protobufjs";

/**
 * The messages of OTLP that carry spans, as in opentelemetry-proto v1.10:
 * https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto
 */
const SCHEMA = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message InstrumentationScope {
  string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
}
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16;
  string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
  repeated Event events = 11; uint32 dropped_events_count = 12;
  repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15;
  message Event {
    fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
  }
  message Link {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5; fixed32 flags = 6;
  }
}
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
`;

const Request = protobuf.parse(SCHEMA).root.lookupType("ExportTraceServiceRequest");

/** Fields that OTLP's JSON writes as hexadecimal, unlike protobuf's own JSON. */
const ID_FIELDS = new Set(["traceId", "spanId", "parentSpanId"]);

/**
 * An `ExportTraceServiceRequest` as OTLP's JSON has it: ids in hexadecimal, 64-bit numbers as decimal text.
 *
 * @throws Error when the bytes are not such a message
 */
export function decodeTraceRequest(bytes: Uint8Array): { resourceSpans: unknown[] } {
  const plain = Request.toObject(Request.decode(bytes), { longs: String, bytes: String });
  return { resourceSpans: [], ...(withHexIds(plain) as object) };
}

function withHexIds(value: unknown, field = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withHexIds(item));
  if (typeof value === "string" && ID_FIELDS.has(field)) return Buffer.from(value, "base64").toString("hex");
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withHexIds(item, key)]));
}
