import { once } from "node:events";
import { createServer as createHttpServer, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import {
  Server as GrpcServer,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import protobuf from "protobufjs";
import type { OtlpSpan, OtlpTraceRequest } from "./otlp-span.ts";

/** The part of opentelemetry-proto that traces need: opentelemetry/proto/collector/trace/v1/trace_service.proto. */
const TRACE_PROTO = `
syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message InstrumentationScope { string name = 1; string version = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10; repeated Event events = 11; uint32 dropped_events_count = 12;
  Status status = 15; fixed32 flags = 16;
}
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
`;

const REQUEST = protobuf.parse(TRACE_PROTO).root.lookupType("ExportTraceServiceRequest");

export interface Receiver extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
  requests: { path: string; headers: IncomingHttpHeaders; body: OtlpTraceRequest }[];
  /** Requests for the export of metrics, which are not decoded. */
  metrics: number;
}

export interface ReceiverOptions {
  /** What becomes of metrics: refused as by a collector that has no pipeline for them, or never answered. Default refused. */
  metrics?: "refuse" | "ignore";
  /** Milliseconds before traces are answered. Default 0. */
  delayMs?: number;
  /** Of answers to traces, over HTTP. Default 200. */
  status?: number;
}

export function spansOf(requests: readonly OtlpTraceRequest[]): OtlpSpan[] {
  return requests.flatMap((request) =>
    request.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)),
  );
}

/** An OTLP/HTTP receiver of traces: protobuf or JSON, by the content type. */
export async function startHttpReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { metrics = "refuse", delayMs = 0, status = 200 } = options;
  const requests: Receiver["requests"] = [];
  let metricRequests = 0;
  const server = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === "/v1/metrics") {
      metricRequests += 1;
      if (metrics === "ignore") return;
    }
    if (request.url !== "/v1/traces") return void response.writeHead(404).end();
    const raw = Buffer.concat(chunks);
    const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    const isJson = request.headers["content-type"] === "application/json";
    const body = isJson ? (JSON.parse(bytes.toString()) as OtlpTraceRequest) : decode(bytes);
    requests.push({ path: request.url ?? "", headers: request.headers, body });
    if (delayMs > 0) await delay(delayMs);
    response.writeHead(status, { "content-type": request.headers["content-type"] }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get metrics() {
      return metricRequests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An OTLP/gRPC receiver. */
export async function startGrpcReceiver(options: Pick<ReceiverOptions, "metrics"> = {}): Promise<Receiver> {
  const requests: Receiver["requests"] = [];
  let metricRequests = 0;
  const server = new GrpcServer();
  const pass = (value: Buffer): Buffer => value;
  const method = {
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    requestStream: false,
    responseStream: false,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  };
  server.addService(
    { Export: method },
    {
      Export(call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) {
        requests.push({
          path: method.path,
          headers: call.metadata.getMap() as IncomingHttpHeaders,
          body: decode(call.request),
        });
        respond(null, Buffer.alloc(0));
      },
    },
  );
  if (options.metrics === "ignore") {
    const path = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    server.addService(
      { Export: { ...method, path } },
      {
        Export() {
          metricRequests += 1;
        },
      },
    );
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    get metrics() {
      return metricRequests;
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

/** A collector that accepts connections, reads, and never answers. */
export async function startSilentServer(): Promise<{ url: string; connections: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the client hangs up, as it should
    socket.resume();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An address at which nobody listens. */
export async function refusingUrl(): Promise<string> {
  const server = createTcpServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function decode(bytes: Uint8Array): OtlpTraceRequest {
  const message = REQUEST.toObject(REQUEST.decode(bytes), { longs: String, bytes: Buffer, arrays: true });
  return JSON.parse(
    JSON.stringify(message, (_key, value: unknown) => {
      const asJson = value as { type?: string; data?: number[] } | null;
      return asJson?.type === "Buffer" ? Buffer.from(asJson.data ?? []).toString("hex") : value;
    }),
  ) as OtlpTraceRequest;
}
