import { accessSync, constants } from "node:fs";
import type { Environment } from "@skein/contract";
import { PROTOCOLS } from "./otlp-exporter.ts";

/** A variable that the exporters cannot read as what it is. */
export interface VariableProblem {
  name: string;
  /** As it is set. Never of a variable that may hold a secret. */
  value: string;
  /** What is wrong, behind the value: `which is no …`. */
  why: string;
  /** What to set it to. */
  instead: string;
  /** What happens as long as it is so. */
  meanwhile: string;
  /** Containers end because of it. Otherwise they pass it over, and at most one line of a log says so. */
  fatal?: true;
}

/** Below this, in milliseconds, no collector answers: whoever writes it means seconds. */
const SHORTEST_TIMEOUT_MS = 100;

type Judge = (value: string) => Omit<VariableProblem, "name" | "value"> | undefined;

/**
 * The variables of tracing whose values mean nothing to the exporters. The SDK tells its own diagnostics of them, which nobody
 * hears, and goes on as if they were not set: what is accepted is what its code accepts (`shared-env-configuration` of
 * otlp-exporter-base), of each variable by itself, for all signals and for one.
 */
export function checkOtlpVariables(env: Environment): VariableProblem[] {
  return Object.entries(env).flatMap(([name, text]) => {
    const value = text?.trim() ?? "";
    if (value === "") return []; // as if it were not set
    const judge = JUDGES.find(([pattern]) => pattern.test(name))?.[1];
    const problem = judge?.(value);
    return problem ? [{ name, value, ...problem }] : [];
  });
}

const oneOf =
  (values: readonly string[], meanwhile: string): Judge =>
  (value) =>
    values.includes(value)
      ? undefined
      : { why: "which means nothing to the exporter", instead: values.join(" or "), meanwhile };

const number = (meanwhile: string): Judge => {
  const instead = "a whole number";
  return (value) =>
    Number.isInteger(Number(value)) && Number(value) >= 0
      ? undefined
      : { why: "which is no such number", instead, meanwhile };
};

const protocol: Judge = (value) =>
  PROTOCOLS.some((known) => known === value)
    ? undefined
    : {
        why: "which is no protocol of OTLP",
        instead: PROTOCOLS.join(" or "),
        meanwhile: "every container that has an endpoint to send to ends with exit code 1",
        fatal: true,
      };

const timeout: Judge = (value) => {
  const milliseconds = Number(value);
  const meanwhile = "an export gets the 1,800 ms it may take at most";
  if (!(milliseconds > 0 && Number.isFinite(milliseconds)))
    return { why: "which is no number above 0", instead: "milliseconds, as 1500", meanwhile };
  if (milliseconds >= SHORTEST_TIMEOUT_MS) return undefined;
  return {
    why: "which are milliseconds",
    instead: "milliseconds, as 1500",
    meanwhile: "most exports are given up before the collector has answered",
  };
};

const certificate: Judge = (value) => {
  try {
    accessSync(value, constants.R_OK);
    return undefined;
  } catch {
    return {
      why: "which is no file that can be read here",
      instead: "the path of a mounted PEM file",
      meanwhile: "the exporter does without it",
    };
  }
};

/** The first that fits is asked. */
const JUDGES: readonly (readonly [RegExp, Judge])[] = [
  [/^OTEL_EXPORTER_OTLP_(TRACES_|METRICS_)?COMPRESSION$/, oneOf(["gzip", "none"], "nothing is compressed")],
  [/^OTEL_EXPORTER_OTLP_(TRACES_|METRICS_)?TIMEOUT$/, timeout],
  [/^OTEL_EXPORTER_OTLP_(TRACES_)?PROTOCOL$/, protocol],
  [/^OTEL_EXPORTER_OTLP_METRICS_PROTOCOL$/, oneOf(PROTOCOLS, "metrics go by the protocol of the spans")],
  [
    /^OTEL_EXPORTER_OTLP_(TRACES_|METRICS_)?INSECURE$/,
    (value) =>
      oneOf(["true", "false"], "grpc without http:// in its endpoint speaks TLS")(value.toLowerCase()),
  ],
  [/^OTEL_EXPORTER_OTLP_(TRACES_|METRICS_)?(CLIENT_)?(CERTIFICATE|KEY)$/, certificate],
  [
    /^OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE$/,
    (value) => oneOf(["delta", "cumulative", "lowmemory"], "metrics are cumulative")(value.toLowerCase()),
  ],
  [
    /^OTEL_(TRACES|METRICS)_EXPORTER$/,
    oneOf(["otlp", "none"], "it is as if it said otlp: there are no other exporters in the executor"),
  ],
  [
    /^OTEL_TRACES_SAMPLER$/,
    oneOf(
      [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
      ],
      "it is as if it said parentbased_always_on",
    ),
  ],
  [/^OTEL_SDK_DISABLED$/, (value) => oneOf(["true", "false"], "traces are made")(value.toLowerCase())],
  [/^OTEL_(BSP_|(SPAN_|EVENT_|LINK_)?ATTRIBUTE_\w*LIMIT|SPAN_\w*LIMIT)/, number("the default is taken")],
];
