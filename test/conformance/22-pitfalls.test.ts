import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import { runPod } from "../support/pods/pod.ts";
import { raw, SAYS, sh, sharedText, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

/** Takes what is PUT, by path. */
async function withHttpStore(
  work: (url: string, stored: ReadonlyMap<string, string>) => Promise<void>,
): Promise<void> {
  const stored = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "PUT") stored.set(request.url ?? "", Buffer.concat(chunks).toString("utf8"));
      response.writeHead(request.method === "PUT" ? 201 : 405).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, stored);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** An artifact `a` at `/work/d`, in a volume. */
const onVolume = {
  template: { container: withVolumes("/work"), inputs: { artifacts: [raw("a", "/work/d", "new")] } },
  volumes: ["/work"],
};

const pitfalls: ConformanceCase[] = [
  {
    section: "7",
    pitfall: 1,
    statement: "between a command's end and its exit-code file nothing is sent to a trace collector",
    run: async (cluster) => {
      // Whoever connects to it gets no answer, for as long as it likes to wait.
      const collector = createTcpServer();
      const connections: unknown[] = [];
      collector.on("connection", (socket) => connections.push(socket));
      await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
      const { port } = collector.address() as AddressInfo;
      const end = await runPod(cluster, {
        template: { container: {} },
        absent: ["wait"],
        argv: sh("exit 3"),
        envOf: {
          main: {
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
            OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
          },
        },
      });
      collector.close();
      expect(end.main?.exitCode).toBe(3);
      expect(sharedText(end, "ctr/main/exitcode")).toBe("3");
      expect(connections).toEqual([]);
    },
  },
  {
    section: "7",
    pitfall: 27,
    statement:
      "a trace protocol that does not exist keeps no user's command from running and leaving its code",
    pod: {
      template: { container: {} },
      argv: sh("exit 4"),
      envOf: {
        main: {
          OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
          OTEL_EXPORTER_OTLP_PROTOCOL: "carrier-pigeon",
        },
      },
    },
    expect: { exitCodes: { main: 4 } },
    check: (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("4"),
  },
  {
    section: "12.1",
    pitfall: 18,
    statement: "a newline at the end of a secret's keys does not break authentication",
    pod: (cluster) => ({
      template: { container: {}, inputs: { artifacts: [s3Input(cluster, "newline")] } },
      secrets: {
        "cred/accesskey": `${cluster.s3.accessKey}\n`,
        "cred/secretkey": `${cluster.s3.secretKey}\n`,
      },
      prepare: () => cluster.putObject("newline", "content"),
      argv: sh('test "$(cat /tmp/in)" = content'),
    }),
  },
  {
    section: "11.4",
    pitfall: 41,
    statement: "an http default repository stores outputs and logs that have no key of their own",
    run: async (cluster) => {
      await withHttpStore(async (url, stored) => {
        const { wait, result } = await runPod(cluster, {
          template: {
            container: {},
            outputs: { artifacts: [{ name: "o", path: "/tmp/o", archive: { none: {} } }] },
            archiveLocation: { archiveLogs: true, http: { url: `${url}/wf/pod` } },
          },
          argv: sh("echo output >/tmp/o; echo log"),
        });
        expect(wait?.exitCode, wait?.log).toBe(0);
        expect(Object.fromEntries(stored)).toEqual({ "/wf/pod/o": "output\n", "/wf/pod/main.log": "log\n" });
        expect(result?.outputs?.artifacts).toEqual([
          { name: "o", path: "/tmp/o", archive: { none: {} }, http: { url: "/wf/pod/o" } },
          { name: "main-logs", http: { url: "/wf/pod/main.log" } },
        ]);
      });
    },
  },
  {
    section: "13.1",
    pitfall: 37,
    statement: "an artifact takes the place of an empty directory of a volume",
    pod: {
      ...onVolume,
      prepare: (pod) => mkdirSync(join(pod.volume("/work"), "d"), { mode: 0o777 }),
      argv: sh('test "$(cat /work/d)" = new'),
    },
    check: (end) => expect(readdirSync(end.volume("/work"))).toEqual(["d"]),
  },
  {
    section: "13.1",
    pitfall: 37,
    statement:
      "an artifact does not replace a directory of a volume that has something in it; the message says what to do",
    pod: {
      ...onVolume,
      prepare: (pod) => {
        mkdirSync(join(pod.volume("/work"), "d"), { mode: 0o777 });
        writeFileSync(join(pod.volume("/work"), "d", "old"), "old");
      },
    },
    expect: {
      exitCodes: { init: 64 },
      messages: {
        init: /^artifact a failed to load: .* at \/mainctrfs\/work\/d: there is a directory with something in it/,
      },
      logs: { init: [/Give the artifact a path of its own/] },
    },
    check: (end) => {
      expect(readdirSync(end.volume("/work"))).toEqual(["d"]);
      expect(readdirSync(join(end.volume("/work"), "d"))).toEqual(["old"]);
    },
  },
  {
    section: "13.1",
    pitfall: 37,
    statement: "an artifact cannot be loaded over the volume itself; the message says so",
    pod: {
      template: { container: withVolumes("/work"), inputs: { artifacts: [raw("a", "/work", "new")] } },
      volumes: ["/work"],
    },
    expect: {
      exitCodes: { init: 64 },
      messages: { init: "artifact a failed to load: the volume 'v0' is mounted at its path /work" },
    },
    check: (end) => expect(readdirSync(end.volume("/work"))).toEqual([]),
  },
  {
    section: "11.7",
    pitfall: 24,
    statement: "REMOVE_LOCAL_ART_PATH leaves the user's file in the volume alone",
    pod: (cluster) => ({
      template: {
        container: withVolumes("/work"),
        outputs: { artifacts: [{ name: "o", path: "/work/o", archive: { none: {} } }] },
        archiveLocation: cluster.repository("remove-local"),
      },
      env: { REMOVE_LOCAL_ART_PATH: "true" },
      volumes: ["/work"],
      argv: sh("echo output >/work/o"),
    }),
    expect: { objects: { "remove-local/o": "output\n" } },
    check: (end) => expect(readFileSync(join(end.volume("/work"), "o"), "utf8")).toBe("output\n"),
  },
  {
    section: "10.4",
    pitfall: 5,
    statement: "a progress line without a slash is a warning, and the next good one is sent",
    pod: {
      template: { container: {}, ...SAYS },
      argv: sh("echo 50 >$ARGO_PROGRESS_FILE; echo 2/4 >$ARGO_PROGRESS_FILE; echo v >/tmp/p"),
    },
    check: ({ result }) => expect(result?.progress).toBe("2/4"),
  },
];

function s3Input(cluster: { repository(key: string): { s3: object } }, key: string) {
  return { name: "in", path: "/tmp/in", archive: { none: {} }, ...cluster.repository(key) };
}

conformance("what upstream gets wrong", pitfalls);
