import { ConfigError } from "@skein/contract";
import { askCollector, type CollectorAnswer } from "@skein/telemetry";
import { type Check, fail, ok, skip } from "../check.ts";
import type { Examination } from "../examination.ts";
import { shorten } from "../explain-error.ts";

/** Whether the collector is there, answers, and speaks the protocol that is configured. */
export const otlp: Check = {
  id: "otlp",
  title: "OTLP collector",
  stuck: {
    say: "the collector has taken nothing by then: give --timeout 10 to see whether it refuses connections or says nothing; every container spends up to 2 s on it at its end",
  },
  async run(examination) {
    const { env, inPod } = examination;
    const answer = await askCollector(env);
    if (answer) return judge(answer);
    const configured = inPod ? undefined : await configuredEndpoint(examination);
    if (configured)
      return skip(
        `executors are told ${configured}, which may only be known in the cluster; run this in a pod`,
      );
    return skip("OTEL_EXPORTER_OTLP_ENDPOINT is not set, so nothing is traced (docs/tracing.md)");
  },
};

function judge({ endpoint, protocol, problem, answersTo }: CollectorAnswer) {
  const where = `${endpoint || "the SDK's default address"} by ${protocol}`;
  if (problem === undefined) return ok(`${where}: an empty export was taken`);
  const evidence = `${where}: ${shorten(problem)}`;
  if (answersTo) {
    return fail(
      `${evidence}; it answers to ${answersTo}`,
      "set in executor.env of the controller's ConfigMap",
      ["- name: OTEL_EXPORTER_OTLP_PROTOCOL", `  value: ${answersTo}`],
    );
  }
  // Without a scheme the SDK's http exporters go to their default address instead, and say nothing of it.
  if (endpoint && protocol !== "grpc" && !/^https?:\/\//i.test(endpoint)) {
    return fail(
      evidence,
      "write OTEL_EXPORTER_OTLP_ENDPOINT as http://HOST:4318, with the scheme (executor.env)",
    );
  }
  return fail(evidence, adviceFor(problem, endpoint));
}

function adviceFor(problem: string, endpoint: string): string {
  if (/Invalid URL/.test(problem)) {
    return "write OTEL_EXPORTER_OTLP_ENDPOINT as http://HOST:4317, for http/protobuf with 4318 (executor.env)";
  }
  if (/ENOTFOUND|EAI_AGAIN|Name resolution/i.test(problem)) {
    return "correct the host in OTEL_EXPORTER_OTLP_ENDPOINT (executor.env): a service of another namespace is NAME.NAMESPACE.svc";
  }
  if (/ECONNREFUSED|No connection established/i.test(problem)) {
    return "start the collector, or correct the port in OTEL_EXPORTER_OTLP_ENDPOINT (executor.env): 4317 for grpc, 4318 for http";
  }
  if (/wrong version number|EPROTO/i.test(problem)) {
    return "what listens there speaks no TLS: write http:// instead of https:// in OTEL_EXPORTER_OTLP_ENDPOINT (executor.env)";
  }
  if (/Protocol error|Parse Error/i.test(problem)) {
    return "what listens there speaks another protocol: 4317 is for OTEL_EXPORTER_OTLP_PROTOCOL=grpc, 4318 for http/protobuf, and https:// for a collector that wants TLS (executor.env)";
  }
  if (/certificate|SELF_SIGNED|UNABLE_TO_/i.test(problem)) {
    return "have executors trust the collector's authority: OTEL_EXPORTER_OTLP_CERTIFICATE or SSL_CERT_FILE (docs/install.md, Private certificate authorities), or use http:// within the cluster";
  }
  if (/40[13]|UNAUTHENTICATED|PERMISSION_DENIED|Unauthorized|Forbidden/i.test(problem)) {
    return "give the collector's credentials in OTEL_EXPORTER_OTLP_HEADERS (executor.env)";
  }
  if (/404|Not Found/i.test(problem)) {
    return "take the path out of OTEL_EXPORTER_OTLP_ENDPOINT: /v1/traces is added to it; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is";
  }
  return `check that an OTLP receiver listens at ${endpoint || "the default address"} and answers; until it does, every container spends up to 2 s on it at its end (OTEL_TRACES_EXPORTER=none turns it off)`;
}

/** The endpoint of executor.env; its name is shown, and never its headers. */
async function configuredEndpoint({ controller }: Examination): Promise<string | undefined> {
  try {
    const found = await controller();
    const variables = found.status === "read" ? (found.settings.executor?.env ?? []) : [];
    return variables.find(({ name }) => /^OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT$/.test(name))?.value;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return undefined;
  }
}
