/** One row of the table of switches in docs/tracing.md. */
export interface SwitchDefinition {
  name: string;
  values: string;
  brief: string;
}

/** Everything that turns tracing on, off, or another way. */
export const SWITCHES: readonly SwitchDefinition[] = [
  {
    name: "annotation `skein.dev/trace`",
    values: "`off`, `phases`, `artifacts`, `files`",
    brief:
      "In the template's `metadata.annotations`, or for a whole workflow in `templateDefaults.metadata.annotations`. Wins over everything below.",
  },
  {
    name: "annotation `skein.dev/trace-link`",
    values: "a `traceparent`",
    brief:
      "At the same place: the spans of the containers get a link to that trace. `skein trace-on` sets it for a run that repeats another.",
  },
  { name: "`SKEIN_TRACE`", values: "the same", brief: "For all workflows, through `executor.env`." },
  {
    name: "`SKEIN_TRACE_FILE`",
    values: "path",
    brief: "Appends spans to a file as OTLP JSON lines, instead of or besides sending them.",
  },
  {
    name: "`SKEIN_TRACE_STORE`",
    values: "`true`",
    brief:
      "Where no collector is configured, the trace of each pod is saved as `trace.otlp.json` below the key of its logs (`archiveLocation`), whether logs are archived or not. `skein report` reads it.",
  },
  {
    name: "`SKEIN_TRACE_TO_MAIN`",
    values: "`true`",
    brief:
      "Gives the user's process the executor's `OTEL_EXPORTER_OTLP_*` endpoint, protocol, compression and timeout, each unless its container sets it. Never headers or certificates. In `executor.env`, for init or supervisor.",
  },
  {
    name: "`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`",
    values: "URL",
    brief:
      "Turns the exporter on by being present, even when empty (then the SDK's default address). As upstream.",
  },
  {
    name: "`OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`",
    values: "`grpc`, `http/protobuf`, `http/json`",
    brief:
      "`grpc` when unset, as upstream and unlike the OpenTelemetry default. Anything else ends the container with exit code 1.",
  },
  {
    name: "`OTEL_EXPORTER_OTLP_[TRACES_]HEADERS`, `…COMPRESSION`, `…CERTIFICATE`, `…CLIENT_KEY`, `…CLIENT_CERTIFICATE`, `…INSECURE`",
    values: "standard",
    brief: "Read by the OpenTelemetry SDK.",
  },
  {
    name: "`OTEL_EXPORTER_OTLP_[TRACES_]TIMEOUT`",
    values: "ms",
    brief:
      "At most 1,800: an export must be over when the 2 s are that a container may spend on tracing at its end.",
  },
  { name: "`OTEL_TRACES_EXPORTER`", values: "`none`", brief: "Nothing is sent, whatever the endpoint." },
  {
    name: "`OTEL_METRICS_EXPORTER`",
    values: "`none`",
    brief:
      "No metrics are sent. `OTEL_EXPORTER_OTLP_METRICS_*` hold for metrics as those without a signal do for both: `…PROTOCOL` (else the spans'), `…TIMEOUT`, and what the SDK reads.",
  },
  { name: "`OTEL_SDK_DISABLED`", values: "`true`", brief: "Nothing is traced." },
  {
    name: "`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`",
    values: "standard",
    brief:
      "Default `parentbased_always_on`: a trace that the controller did not sample stays untraced, unless a level is asked for by name.",
  },
  {
    name: "`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`",
    values: "standard",
    brief: "Win over what the executor finds out itself.",
  },
  {
    name: "`OTEL_SPAN_EVENT_COUNT_LIMIT` and the other `OTEL_*_LIMIT`",
    values: "number",
    brief:
      "Default 16,384 events per span, above the event budget; a lower one makes the SDK drop the oldest.",
  },
  {
    name: "`OTEL_BSP_*`",
    values: "number",
    brief: "Standard; the queue holds 65,536 spans by default.",
  },
  {
    name: "`TRACEPARENT`, `TRACESTATE`, `BAGGAGE`",
    values: "W3C",
    brief: "The context the spans hang below; set by the controller from v4.1 on.",
  },
];
