import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import {
  type RecordedPodEnd,
  type RecordedPodOptions,
  runRecordedPod,
} from "../support/pods/recorded-pod.ts";
import { zip } from "./support/archives.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
const NO_TMP = "the pod as recorded has no writable /tmp for main";

/** Takes every trace it is sent, as the OTLP endpoint that the controller was configured with. */
async function startCollector(): Promise<{ server: Server; address: string; count: () => number }> {
  let count = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      count += request.url === "/v1/traces" ? 1 : 0;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, address: `127.0.0.1:${port}`, count: () => count };
}

/** Runs it, and expects what holds for every pod that succeeds. */
async function runWhole(
  cluster: Cluster,
  name: string,
  options: RecordedPodOptions = {},
): Promise<RecordedPodEnd & { spansSent: number }> {
  const collector = await startCollector();
  try {
    const end = await runRecordedPod(cluster, join(import.meta.dirname, "pods", `${name}.json`), {
      ...options,
      replace: { "127.0.0.1:16318": collector.address, ...options.replace },
    });
    for (const [container, { exitCode, terminationMessage, log }] of Object.entries(end.ends)) {
      expect([container, exitCode, terminationMessage], log).toEqual([container, 0, ""]);
    }
    expect(end.result?.metadata.labels[COMPLETED]).toBe("true");
    return { ...end, spansSent: collector.count() };
  } finally {
    collector.server.close();
    collector.server.closeAllConnections();
  }
}

const logs = (prefix: string, container = "main") => ({
  name: `${container}-logs`,
  s3: { key: `${prefix}/${container}.log` },
});

/** The five artifacts that the step before left, in the forms its controller's configuration gave them. */
function putBigArtifacts(cluster: Cluster): void {
  const root = mkdtempSync(join(tmpdir(), "skein-recorded-"));
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: root });
  try {
    for (const number of [7, 9]) {
      mkdirSync(join(root, "tree", String(number)), { recursive: true });
      writeFileSync(join(root, "tree", String(number), `${number}.txt`), `tree ${number}\n`);
    }
    writeFileSync(join(root, "big"), Buffer.alloc(3_000_000, "b"));
    run("tar", "czf", "tree.tgz", "tree");
    run("tar", "czf", "big.tgz", "big");
    const at = "big-artifacts-w76jd/big-artifacts-w76jd-make-1739445694";
    const zipped = [8, 9].map((number) => ({ name: `zipped/${number}.txt`, data: `zip ${number}\n` }));
    cluster.putObject(`${at}/zipped.zip`, zip(...zipped));
    for (const file of ["tree.tgz", "big.tgz"])
      cluster.putObject(`${at}/${file}`, readFileSync(join(root, file)));
    cluster.putObject(`${at}/raw`, Buffer.alloc(1_000_000, "r"));
    for (const number of [8, 9]) cluster.putObject(`${at}/plaintree/${number}.txt`, `plain ${number}\n`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const pods: ConformanceCase[] = [
  {
    section: "1",
    statement: "hello-world as a v4.1.2 controller makes it says hello, and its log is archived",
    run: async (cluster) => {
      const { ends, result, requests, spansSent } = await runWhole(cluster, "hello-world");
      expect(ends.main?.log).toMatch(/^hello world$/m);
      expect(result?.outputs).toEqual({ artifacts: [logs("hello-world-zbv24/hello-world-zbv24")] });
      expect(cluster.object("hello-world-zbv24/hello-world-zbv24/main.log")?.toString()).toBe(
        "hello world\n",
      );
      expect(requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH"]);
      // init sends its own spans; wait's last act sends its own and main's.
      expect(spansSent).toBe(2);
    },
  },
  {
    section: "1",
    statement: "artifact-passing as a v4.1.2 controller makes it: what one pod saves the next one loads",
    rootOnly: NO_TMP,
    run: async (cluster) => {
      const producer = "artifact-passing-wd8qx/artifact-passing-wd8qx-hello-world-to-file-3393408352";
      const consumer = "artifact-passing-wd8qx/artifact-passing-wd8qx-print-message-from-file-3585661328";
      const { result } = await runWhole(cluster, "artifact-passing-producer");
      expect(result?.outputs).toEqual({
        artifacts: [
          { name: "hello-art", path: "/tmp/hello_world.txt", s3: { key: `${producer}/hello-art.tgz` } },
          logs(producer),
        ],
      });
      const next = await runWhole(cluster, "artifact-passing-consumer");
      expect(next.ends.main?.log).toMatch(/^hello world$/m);
      expect(next.result?.outputs).toEqual({ artifacts: [logs(consumer)] });
    },
  },
  {
    section: "1",
    statement: "artifacts of five forms arrive in the pod that a v4.1.2 controller makes for them",
    run: async (cluster) => {
      putBigArtifacts(cluster);
      const { ends } = await runWhole(cluster, "big-artifacts-consumer");
      const lines = ends.main?.log.split("\n").filter((line) => !line.includes('"argo":true'));
      expect(lines?.slice(0, 3)).toEqual(["3000000", "1000000", "4000000"]);
      expect(lines?.slice(3, 7)).toEqual(["6", "tree 7", "plain 9", "zip 9"]);
      expect(lines?.[9]).toMatch(/^-rw-r--r--/);
    },
  },
  {
    section: "1",
    statement: "an output parameter of the pod that a v4.1.2 controller makes is reported",
    rootOnly: NO_TMP,
    run: async (cluster) => {
      const { result } = await runWhole(cluster, "output-parameter");
      expect(result?.outputs?.parameters).toEqual([
        {
          name: "hello-param",
          valueFrom: { path: "/tmp/hello_world.txt", default: "Foobar" },
          value: "hello world",
        },
      ]);
    },
  },
  {
    section: "1",
    statement: "the script of the pod that a v4.1.2 controller makes runs, and its result is reported",
    run: async (cluster) => {
      const { result } = await runWhole(cluster, "script-with-result");
      expect(result?.outputs?.result).toMatch(/^\d{1,3}$/);
    },
  },
  {
    section: "1",
    statement: "the containerSet of a v4.1.2 controller's pod runs in order, and each log is archived",
    run: async (cluster) => {
      const { ends, result } = await runWhole(cluster, "container-set-graph", {
        imageFiles: { "/argosay": "#!/bin/sh\necho hello argo\n" },
      });
      const names = ["a", "b", "c", "d"];
      for (const name of names) expect(ends[name]?.log).toMatch(/^hello argo$/m);
      expect(result?.outputs?.artifacts).toEqual(names.map((name) => logs("graph-frmpv/graph-frmpv", name)));
    },
  },
  {
    section: "1",
    statement: "the sidecar of a v4.1.2 controller's pod serves main, and is stopped after it",
    run: async (cluster) => {
      // The images' own programs are not ours to bring: the same conversation by a file in the shared volume.
      const { ends } = await runWhole(cluster, "sidecar", {
        replace: {
          "sleep 1; wget -qO- http://127.0.0.1:18099/hello":
            "until test -s /var/run/argo/hello; do sleep 0.05; done; cat /var/run/argo/hello",
          "mkdir /w; echo hi >/w/hello; exec busybox httpd -f -p 127.0.0.1:18099 -h /w":
            "trap 'exit 0' TERM; echo hi >/var/run/argo/hello; while :; do sleep 0.05; done",
        },
      });
      expect(ends.main?.log).toMatch(/^hi$/m);
    },
  },
  {
    section: "1",
    statement:
      "an init-less pod as a v4.1.2 controller makes it gets its input by a link in main's file system",
    rootOnly: NO_TMP,
    run: async (cluster) => {
      const archive = execFileSync("sh", [
        "-c",
        "d=$(mktemp -d) && cd $d && echo hello world >m && tar cz m && rm -r $d",
      ]);
      const key =
        "artifact-passing-wzqkj/artifact-passing-wzqkj-hello-world-to-file-1101887179/hello-art.tgz";
      cluster.putObject(key, archive);
      const { ends, result } = await runWhole(cluster, "initless-artifact-passing-consumer");
      expect(ends.main?.log).toMatch(/^hello world$/m);
      expect(result?.outputs?.artifacts).toEqual([
        logs("artifact-passing-wzqkj/artifact-passing-wzqkj-print-message-from-file-3686986865"),
      ]);
    },
  },
];

conformance("pods as a real controller made them", pods);
