import { parseJaegerDocument } from "./jaeger-json.ts";
import { parseOtlpDocument } from "./otlp-json.ts";
import type { TraceSpan } from "./span.ts";
import { TraceReadError } from "./trace-read-error.ts";

/** Which trace to take, where an address does not name one itself, or files hold many. */
export interface TraceQuery {
  /** 32 hex digits. */
  traceId?: string | undefined;
  /** A workflow's name; of a query API its newest trace is taken, of files all of them. */
  workflow?: string | undefined;
  /** Sent with every request, such as `authorization`. Never printed. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** All of standard input, for the path `-`. */
  readStdin?: (() => Promise<string>) | undefined;
}

export interface FetchedTrace {
  spans: TraceSpan[];
  warnings: string[];
}

const TIMEOUT_MS = 30_000;
/** How far back a workflow is looked for. */
const LOOKBACK_DAYS = 30;
/** Tempo refuses to search more than 168 hours at a time, where its `max_duration` says nothing else. */
const TEMPO_RANGE_DAYS = 6;
/** The services whose spans carry a workflow's name, unless they were given other names (`OTEL_SERVICE_NAME`). */
const SERVICES = ["argoexec", "workflow-controller"];
const HEX_ID = /^[0-9a-f]{16,32}$/i;

export function isAddress(path: string): boolean {
  return /^https?:\/\//.test(path);
}

/**
 * Asks the query API of Jaeger or Tempo. The address is that of a trace (`…/api/traces/ID`, or Jaeger's page
 * `…/trace/ID`), or of the server, and then the query says which trace. Which of the two it is shows in its answers.
 *
 * @throws TraceReadError that names the address and what to do
 */
export async function fetchTrace(address: string, query: TraceQuery = {}): Promise<FetchedTrace> {
  const api = createApi(address, query.headers ?? {});
  const named = /\/traces?\/([0-9a-f]{16,32})\/?$/i.exec(api.base.pathname)?.[1];
  const traceId = named ?? query.traceId;
  if (traceId !== undefined) {
    if (!HEX_ID.test(traceId))
      throw new TraceReadError(`"${traceId}" is no trace id: it has 32 hexadecimal digits`);
    return await getTrace(api, traceId);
  }
  if (!query.workflow) {
    throw new TraceReadError(
      `${api.shown}: say which trace, by --trace ID or --workflow NAME, or give the trace's own address`,
    );
  }
  return await getTrace(api, await findWorkflow(api, query.workflow));
}

interface Api {
  base: URL;
  /** The address without user and password. */
  shown: string;
  /** The parsed body; `undefined` for 404. */
  get(path: string): Promise<unknown>;
}

function createApi(address: string, given: Readonly<Record<string, string>>): Api {
  const base = parseAddress(address);
  const credentials = base.username ? `${decoded(base.username)}:${decoded(base.password)}` : "";
  base.username = "";
  base.password = "";
  const headers = {
    accept: "application/json",
    ...(credentials ? { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` } : {}),
    ...given,
  };
  const root = base.pathname
    .replace(/\/(api\/(v\d\/)?traces?|trace|api|search)(\/.*)?$/, "")
    .replace(/\/$/, "");
  return {
    base,
    shown: base.origin + base.pathname,
    async get(path) {
      const url = new URL(root + path, base.origin);
      const place = url.origin + url.pathname;
      let response: Response;
      try {
        response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      } catch (error) {
        const cause = (error as Error).cause ?? error;
        throw new TraceReadError(`${place}: ${(cause as Error).message}`, { cause: error });
      }
      if (response.status === 404) return undefined;
      const text = await response.text();
      if (!response.ok) {
        const hint =
          response.status === 401 || response.status === 403
            ? "; set SKEIN_QUERY_HEADERS, as in authorization=Bearer …"
            : "";
        throw new TraceReadError(`${place} answered ${response.status}: ${text.trim().slice(0, 200)}${hint}`);
      }
      try {
        return JSON.parse(text) as unknown;
      } catch {
        throw new TraceReadError(
          `${place} answered with something that is not JSON: is that the query API of Jaeger or Tempo?`,
        );
      }
    },
  };
}

/** Node's own error repeats the address, with the password that may be in it. */
function parseAddress(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  const shown = address.replace(/\/\/[^/]*@/, "//…@");
  throw new TraceReadError(
    `${shown} is no address: it looks like http://HOST:PORT; in a password, write / as %2F, @ as %40`,
  );
}

/** A lone `%` stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Jaeger and Tempo have the same path for a trace, and each its own format. */
async function getTrace(api: Api, traceId: string): Promise<FetchedTrace> {
  const document = await api.get(`/api/traces/${traceId.toLowerCase()}`);
  const warnings: string[] = [];
  const complain = (complaint: string): void => void warnings.push(`${api.shown}: ${complaint}`);
  const spans = parseJaegerDocument(document, complain) ?? parseOtlpDocument(document, complain);
  if (!spans || spans.length === 0) {
    throw new TraceReadError(
      `${api.shown} has no trace ${traceId} (not there yet, not sampled, or older than what it keeps)`,
    );
  }
  return { spans, warnings };
}

async function findWorkflow(api: Api, workflow: string): Promise<string> {
  const services = await api.get("/api/services").catch(() => undefined);
  // A Jaeger that has no traces yet answers `null`.
  const isJaeger = "data" in asObject(services);
  const found = isJaeger
    ? await searchJaeger(api, workflow, asArray(asObject(services).data))
    : await searchTempo(api, workflow);
  const [newest] = found.sort((a, b) => b.start - a.start);
  if (newest) return newest.traceId;
  throw new TraceReadError(
    `${api.shown} has no trace of a workflow called ${workflow} in the last ${LOOKBACK_DAYS} days; give its trace id (for controllers that give no context it is the workflow's UID without dashes)`,
  );
}

interface Found {
  traceId: string;
  start: number;
}

/** It has no search over all services; their names are asked in turn, the usual ones first. */
async function searchJaeger(api: Api, workflow: string, services: readonly unknown[]): Promise<Found[]> {
  const end = Date.now() * 1000;
  const start = end - LOOKBACK_DAYS * 86_400e6;
  const found: Found[] = [];
  for (const service of new Set([...SERVICES, ...services].filter((name) => services.includes(name)))) {
    const tags = JSON.stringify({ name: workflow });
    const query = new URLSearchParams({
      service: String(service),
      tags,
      start: String(start),
      end: String(end),
      limit: "20",
    });
    const { data } = asObject(await api.get(`/api/traces?${query}`));
    for (const trace of asArray(data).map(asObject)) {
      const starts = asArray(trace.spans).map((span) => Number(asObject(span).startTime));
      if (typeof trace.traceID === "string")
        found.push({ traceId: trace.traceID, start: Math.min(...starts) });
    }
    if (found.length > 0) break;
  }
  return found;
}

/**
 * The newest range that holds one. https://grafana.com/docs/tempo/latest/api_docs/#search
 */
async function searchTempo(api: Api, workflow: string): Promise<Found[]> {
  const name = JSON.stringify(workflow);
  const q = `{ span.name = ${name} || span.cicd.pipeline.name = ${name} }`;
  const now = Math.ceil(Date.now() / 1000);
  for (let days = 0; days < LOOKBACK_DAYS; days += TEMPO_RANGE_DAYS) {
    const end = now - days * 86_400;
    const start = end - TEMPO_RANGE_DAYS * 86_400;
    const query = new URLSearchParams({ q, start: String(start), end: String(end), limit: "20" });
    const found = readFound(await api.get(`/api/search?${query}`));
    if (found.length > 0) return found;
  }
  return [];
}

function readFound(answer: unknown): Found[] {
  return asArray(asObject(answer).traces)
    .map(asObject)
    .flatMap(({ traceID, startTimeUnixNano }) =>
      typeof traceID === "string"
        ? [{ traceId: traceID.padStart(32, "0"), start: Number(startTimeUnixNano) }]
        : [],
    );
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
