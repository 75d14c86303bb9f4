import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { fetchTrace } from "./query-api.ts";
import { readTraces } from "./read-traces.ts";
import { buildReport } from "./report.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** What Jaeger 1.x answers for a trace of two spans. */
const JAEGER = {
  data: [
    {
      traceID: TRACE_ID,
      spans: [
        {
          traceID: TRACE_ID,
          spanID: "b7ad6b7169203331",
          operationName: "runInitContainer",
          references: [],
          startTime: 1_768_469_400_000_000,
          duration: 2_500_000,
          tags: [
            { key: "cicd.pipeline.task.run.id", type: "string", value: "wf-1" },
            { key: "span.kind", type: "string", value: "internal" },
            { key: "otel.scope.name", type: "string", value: "argoexec" },
            { key: "otel.status_code", type: "string", value: "ERROR" },
            { key: "otel.status_description", type: "string", value: "no such key" },
            { key: "error", type: "bool", value: true },
          ],
          logs: [],
          processID: "p1",
        },
        {
          traceID: TRACE_ID.replace(/^0+/, ""),
          spanID: "ad6b7169203332",
          operationName: "loadArtifact",
          references: [{ refType: "CHILD_OF", traceID: TRACE_ID, spanID: "b7ad6b7169203331" }],
          startTime: 1_768_469_400_100_000,
          duration: 2_000_000,
          tags: [
            { key: "argo.artifact.name", type: "string", value: "model" },
            { key: "argo.artifact.bytes", type: "int64", value: "4000000" },
          ],
          logs: [
            {
              timestamp: 1_768_469_400_200_000,
              fields: [
                { key: "event", type: "string", value: "retry" },
                { key: "argo.retry.attempt", type: "int64", value: 1 },
              ],
            },
          ],
          processID: "p1",
        },
      ],
      processes: {
        p1: { serviceName: "argoexec", tags: [{ key: "k8s.pod.name", type: "string", value: "pod-1" }] },
      },
    },
  ],
};

/** What Tempo answers: OTLP with base64 ids below `batches`. */
function tempo(): unknown {
  const [first] = ciCheckoutTrace().documents();
  return { batches: (first as { resourceSpans: unknown[] }).resourceSpans };
}

async function serve(answers: (url: URL, request: IncomingMessage) => unknown) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://host");
    requests.push(request.url ?? "");
    const answer = answers(url, request);
    if (typeof answer === "number") response.writeHead(answer).end("no");
    else response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
}

describe("fetchTrace", () => {
  it("reads a trace of Jaeger by the address of its page", async () => {
    await using server = await serve(({ pathname }) =>
      pathname === `/jaeger/api/traces/${TRACE_ID}` ? JAEGER : 404,
    );
    const { spans } = await fetchTrace(`${server.url}/jaeger/trace/${TRACE_ID}`);
    expect(spans).toMatchObject([
      {
        traceId: TRACE_ID,
        spanId: "b7ad6b7169203331",
        parentSpanId: "",
        kind: "internal",
        scope: "argoexec",
        status: "error",
        statusMessage: "no such key",
      },
      { traceId: TRACE_ID, spanId: "00ad6b7169203332", parentSpanId: "b7ad6b7169203331", status: "unset" },
    ]);
    expect([...(spans[0]?.attributes.keys() ?? [])]).toEqual(["cicd.pipeline.task.run.id"]);
    expect(spans[0]?.resource.get("k8s.pod.name")).toBe("pod-1");
    expect(spans[1]?.events).toMatchObject([{ name: "retry", timeUnixNano: 1_768_469_400_200_000_000n }]);
    expect(buildReport(spans).artifacts).toMatchObject([{ name: "model", bytes: 4e6, seconds: 2 }]);
  });

  it("finds the newest trace of a workflow in Jaeger", async () => {
    const other = { ...JAEGER.data[0], traceID: "f".repeat(32), spans: [{ startTime: 5 }] };
    await using server = await serve(({ pathname, searchParams }) => {
      if (pathname === "/api/services") return { data: ["argoexec"] };
      if (pathname === `/api/traces/${TRACE_ID}`) return JAEGER;
      if (searchParams.get("tags") !== '{"name":"wf"}') return 404;
      return searchParams.get("service") === "argoexec" ? { data: [other, ...JAEGER.data] } : { data: [] };
    });
    expect((await fetchTrace(server.url, { workflow: "wf" })).spans[0]?.traceId).toBe(TRACE_ID);
  });

  it("finds a workflow in Jaeger whose executors go by another name (OTEL_SERVICE_NAME)", async () => {
    const asked: (string | null)[] = [];
    await using server = await serve(({ pathname, searchParams }) => {
      if (pathname === "/api/services") return { data: ["buildkitd", "workflow-controller", "ci-executor"] };
      if (pathname === `/api/traces/${TRACE_ID}`) return JAEGER;
      asked.push(searchParams.get("service"));
      return { data: searchParams.get("service") === "ci-executor" ? JAEGER.data : [] };
    });
    expect((await fetchTrace(server.url, { workflow: "wf" })).spans[0]?.traceId).toBe(TRACE_ID);
    expect(asked).toEqual(["workflow-controller", "buildkitd", "ci-executor"]);
  });

  it("finds the newest trace of a workflow in Tempo, and reads it", async () => {
    const { traceId } = ciCheckoutTrace();
    await using server = await serve(({ pathname, searchParams }) => {
      if (
        pathname === "/api/search" &&
        searchParams.get("q") === '{ span.name = "wf" || span.cicd.pipeline.name = "wf" }'
      ) {
        const old = { traceID: "1".repeat(32), startTimeUnixNano: "1000000000000000000" };
        return {
          traces: [old, { traceID: traceId.replace(/^0+/, ""), startTimeUnixNano: "1700000000000000000" }],
        };
      }
      return pathname === `/api/traces/${traceId}` ? tempo() : 404;
    });
    const { spans } = await readTraces([`${server.url}/`], { workflow: "wf" });
    expect(spans).toMatchObject([{ traceId, name: "workflow" }]);
  });

  it("finds a workflow of three weeks ago in Tempo, which searches no more than a week at a time", async () => {
    const { traceId } = ciCheckoutTrace();
    const ago = Date.now() / 1000 - 20 * 86_400;
    await using server = await serve(({ pathname, searchParams }) => {
      if (pathname === `/api/traces/${traceId}`) return tempo();
      if (pathname !== "/api/search") return 404;
      const [start, end] = [Number(searchParams.get("start")), Number(searchParams.get("end"))];
      if (end - start > 168 * 3600) return 400;
      const isThere = start <= ago && ago < end;
      return {
        traces: isThere ? [{ traceID: traceId, startTimeUnixNano: `${Math.floor(ago)}000000000` }] : [],
      };
    });
    expect((await fetchTrace(server.url, { workflow: "wf" })).spans[0]?.traceId).toBe(traceId);
  });

  it("sends user and password of the address, and the headers, and prints neither", async () => {
    let seen: string | undefined;
    await using server = await serve((_url, request) => {
      seen = `${request.headers.authorization} ${request.headers["x-scope-orgid"]}`;
      return 401;
    });
    const address = `${server.url.replace("//", "//me:s3cret@")}/api/traces/${TRACE_ID}`;
    const error = await fetchTrace(address, { headers: { "x-scope-orgid": "tenant" } }).catch(
      (thrown: Error) => thrown,
    );
    expect(seen).toBe(`Basic ${Buffer.from("me:s3cret").toString("base64")} tenant`);
    expect(String(error)).toMatch(/answered 401: no; set SKEIN_QUERY_HEADERS/);
    expect(String(error)).not.toContain("s3cret");
  });

  it.each<[string, unknown, Parameters<typeof fetchTrace>[1], RegExp]>([
    [
      "a trace that is not there",
      404,
      { traceId: TRACE_ID },
      /has no trace 0af7.*not there yet, not sampled/,
    ],
    [
      "a workflow that is not there",
      { traces: [] },
      { workflow: "wf" },
      /no trace of a workflow called wf in the last 30 days/,
    ],
    [
      "a Jaeger without any traces",
      { data: null, total: 0, limit: 0, offset: 0, errors: null },
      { workflow: "wf" },
      /no trace of a workflow called wf in the last 30 days/,
    ],
    [
      "a server that is something else",
      "<html>",
      { traceId: TRACE_ID },
      /is that the query API of Jaeger or Tempo\?/,
    ],
    ["no trace to ask for", {}, {}, /say which trace, by --trace ID or --workflow NAME/],
    ["an id that is none", {}, { traceId: "wf" }, /"wf" is no trace id/],
  ])("says what is wrong with %s", async (_what, answer, query, complaint) => {
    await using server = await serve(() => answer);
    await expect(fetchTrace(server.url, query)).rejects.toThrow(complaint);
  });

  it("says when nobody answers", async () => {
    const server = await serve(() => 404);
    await server[Symbol.asyncDispose]();
    await expect(fetchTrace(`${server.url}/trace/${TRACE_ID}`)).rejects.toThrow(
      /127\.0\.0\.1:\d+\/api\/traces\/0af7\w+: .*ECONNREFUSED/,
    );
  });

  it("never repeats the password of an address that is none, and takes a lone % for itself", async () => {
    await expect(fetchTrace("http://user:sekret@host:99999999/")).rejects.toThrow(
      /^http:\/\/…@host:99999999\/ is no address/,
    );
    await using server = await serve(() => ({}));
    const address = server.url.replace("://", "://user:50%@");
    await expect(fetchTrace(address, { traceId: TRACE_ID })).rejects.toThrow(/has no trace 0af7/);
  });
});
