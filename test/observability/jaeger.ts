import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { startServer } from "../e2e/cluster/process.ts";
import { freePort } from "../support/free-port.ts";

/** A real Jaeger that keeps traces in memory. */
export interface Jaeger extends AsyncDisposable {
  /** `host:port` for OTLP over gRPC. */
  otlp: string;
  /** Of its query API, which asks for nothing. */
  url: string;
  /** The same traces as behind a reverse proxy: below a path, and for one user only. Without the user. */
  guarded: string;
  user: string;
  password: string;
  /** Names of the spans it has of a trace, in no order. */
  spanNames(traceId: string): Promise<string[]>;
}

const USER = "reader";
/** Characters that an address has to write in another way. */
const PASSWORD = "p@ss/w%rd";

export async function startJaeger(options: { program: string; directory: string }): Promise<Jaeger> {
  const { program, directory } = options;
  const [otlp, ready, open, guarded] = [await local(), await local(), await local(), await local()];
  const config = join(directory, "jaeger.yaml");
  writeFileSync(config, stringify(await configuration({ otlp, ready, open, guarded })));
  const server = await startServer({
    argv: [program, "--config", config],
    log: join(directory, "jaeger.log"),
    isReady: async () => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`http://${ready}/v1/traces`, { method: "POST", headers, body: "{}" });
      return answer.ok && (await fetch(`http://${open}/api/services`)).ok;
    },
  });
  return {
    otlp,
    url: `http://${open}`,
    guarded: `http://${guarded}/jaeger`,
    user: USER,
    password: PASSWORD,
    async spanNames(traceId) {
      const answer = await fetch(`http://${open}/api/traces/${traceId}`);
      if (answer.status === 404) return [];
      const { data } = (await answer.json()) as { data: { spans: { operationName: string }[] }[] };
      return data.flatMap(({ spans }) => spans.map(({ operationName }) => operationName));
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

interface Addresses {
  otlp: string;
  ready: string;
  open: string;
  guarded: string;
}

async function configuration({ otlp, ready, open, guarded }: Addresses): Promise<unknown> {
  const query = async (http: Record<string, unknown>) => ({
    storage: { traces: "memory" },
    http,
    grpc: { endpoint: await local() },
  });
  return {
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 1000 } } } },
      basicauth: { htpasswd: { inline: `${USER}:${PASSWORD}` } },
      jaeger_query: await query({ endpoint: open }),
      "jaeger_query/guarded": {
        ...(await query({ endpoint: guarded, auth: { authenticator: "basicauth" } })),
        base_path: "/jaeger",
      },
    },
    receivers: { otlp: { protocols: { grpc: { endpoint: otlp }, http: { endpoint: ready } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: "memory" } },
    service: {
      extensions: ["jaeger_storage", "basicauth", "jaeger_query", "jaeger_query/guarded"],
      pipelines: { traces: { receivers: ["otlp"], exporters: ["jaeger_storage_exporter"] } },
      telemetry: { metrics: { level: "none" } },
    },
  };
}

async function local(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}
