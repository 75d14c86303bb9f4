import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";

/** Whole pods: the real front and core in private mounts, a real S3 server, an API server over TLS. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose]());

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
const sh = (script: string) => ["sh", "-ec", script];
const COMMIT = "git -c user.name=t -c user.email=t@example.org commit -q -m c";

describe("a pod", () => {
  it("that says hello succeeds, and its task result is complete", async () => {
    const { init, main, wait, result } = await runPod(cluster, {
      template: { name: "hello", container: {} },
      argv: sh("echo hello"),
    });
    expect([init.exitCode, main?.exitCode, wait?.exitCode]).toEqual([0, 0, 0]);
    expect([init, main, wait].map((end) => end?.terminationMessage)).toEqual(["", "", ""]);
    expect(main?.log).toContain("hello\n");
    expect(result?.metadata.labels).toEqual({
      "workflows.argoproj.io/workflow": "wf",
      [COMPLETED]: "true",
    });
    expect(result?.outputs ?? {}).toEqual({});
  });

  it("reports what a script printed, and saves it as its log", async () => {
    const { wait, result } = await runPod(cluster, {
      template: {
        script: { source: "echo to stderr >&2; echo 42" },
        archiveLocation: cluster.repository("log", { archiveLogs: true }),
      },
      argv: ["sh", "/argo/staging/script"],
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
    });
    expect(wait).toMatchObject({ exitCode: 0 });
    expect(result?.outputs).toEqual({
      result: "42",
      artifacts: [{ name: "main-logs", s3: { key: "log/main.log" } }],
    });
    const log = readFileSync(join(cluster.s3.root, cluster.s3.bucket, "log/main.log"), "utf8");
    expect(log.split("\n").sort()).toEqual(["", "42", "to stderr"]);
  });

  it("reports output parameters, from its image and from a volume, and a default", async () => {
    const parameters = [
      { name: "image", valueFrom: { path: "/tmp/p" } },
      { name: "volume", valueFrom: { path: "/work/p" } },
      { name: "default", valueFrom: { path: "/tmp/none", default: "d" } },
    ];
    const { wait, result } = await runPod(cluster, {
      template: { container: { volumeMounts: [{ name: "w", mountPath: "/work" }] }, outputs: { parameters } },
      volumes: ["/work"],
      argv: sh("echo one >/tmp/p; echo two >/work/p"),
    });
    expect(wait).toMatchObject({ exitCode: 0 });
    expect(result?.outputs?.parameters?.map(({ value }) => value)).toEqual(["one", "two", "d"]);
  });

  it("passes artifacts on to another pod through S3: files, trees, with their modes", async () => {
    const outputs = {
      artifacts: [
        { name: "file", path: "/tmp/file" },
        { name: "tree", path: "/tmp/tree", archive: { none: {} } },
        { name: "zip", path: "/work/z", archive: { zip: {} } },
      ],
    };
    const producer = await runPod(cluster, {
      template: {
        container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
        outputs,
        archiveLocation: cluster.repository("producer"),
      },
      volumes: ["/work"],
      argv: sh(
        "echo F >/tmp/file; chmod 755 /tmp/file; mkdir -p /tmp/tree/sub; echo T >/tmp/tree/sub/t; echo Z >/work/z",
      ),
    });
    expect(producer.wait).toMatchObject({ exitCode: 0 });
    const reported = producer.result?.outputs?.artifacts ?? [];
    expect(reported.map(({ s3 }) => s3)).toEqual([
      { key: "producer/file.tgz" },
      { key: "producer/tree" },
      { key: "producer/zip.zip" },
    ]);
    const consumer = await runPod(cluster, {
      template: {
        container: {},
        // As a controller hands them on: key-only, below another name and path.
        inputs: {
          artifacts: reported.map((artifact) => ({ ...artifact, path: `/in/${artifact.name}` }) as never),
        },
        archiveLocation: cluster.repository("consumer"),
      },
      argv: sh("cat /in/file /in/tree/sub/t /in/zip; stat -c %a /in/file"),
    });
    expect(consumer.init).toMatchObject({ exitCode: 0, terminationMessage: "" });
    expect(consumer.main?.log).toContain("F\nT\nZ\n755\n");
  });

  it("works on a checked out git repository", async () => {
    const template = {
      container: {},
      inputs: {
        artifacts: [
          { name: "code", path: "/code", git: { repo: "file:///mainctrfs/origin", revision: "v1" } },
        ],
      },
    };
    const origin = join(cluster.directory, "origin");
    execFileSync("sh", [
      "-ec",
      `git init -q ${origin}; cd ${origin}; echo one >f; git add f; ${COMMIT}; git tag v1; echo two >f; ${COMMIT} -a`,
    ]);
    const { init, main } = await runPod(cluster, {
      template,
      volumes: ["/origin"],
      prepare: (pod) => execFileSync("cp", ["-r", `${origin}/.`, pod.volume("/origin")]),
      argv: sh("cat /code/f; ls -d /code/.git"),
    });
    expect(init).toMatchObject({ exitCode: 0, terminationMessage: "" });
    expect(main?.log).toContain("one\n/code/.git\n");
  });

  it("that fails keeps its exit code, and what it left is reported all the same", async () => {
    const { main, wait, result } = await runPod(cluster, {
      template: { container: {}, outputs: { parameters: [{ name: "p", valueFrom: { path: "/tmp/p" } }] } },
      argv: sh("echo left >/tmp/p; exit 3"),
    });
    expect(main).toMatchObject({ exitCode: 3, terminationMessage: "" });
    expect(wait).toMatchObject({ exitCode: 0 });
    expect(result?.outputs?.parameters).toMatchObject([{ value: "left" }]);
    expect(result?.metadata.labels[COMPLETED]).toBe("true");
  });

  it("that did not write an output is told which, and the others are reported", async () => {
    const { main, wait, result } = await runPod(cluster, {
      template: {
        container: {},
        outputs: {
          parameters: [{ name: "p", valueFrom: { path: "/tmp/none" } }],
          artifacts: [
            { name: "a", path: "/tmp/a" },
            { name: "b", path: "/tmp/b" },
            { name: "c", path: "/tmp/c", optional: true },
          ],
        },
        archiveLocation: cluster.repository("missing"),
      },
      argv: sh("echo b >/tmp/b"),
    });
    expect(main).toMatchObject({ exitCode: 0 });
    expect(wait).toMatchObject({
      exitCode: 64,
      terminationMessage: "open /var/run/argo/outputs/parameters/tmp/none: no such file or directory",
    });
    expect(wait?.log).toContain(
      "open /var/run/argo/outputs/artifacts/tmp/a.tgz: no such file or directory; ",
    );
    expect(result?.outputs?.artifacts).toEqual([{ name: "b", path: "/tmp/b", s3: { key: "missing/b.tgz" } }]);
    expect(result?.metadata.labels[COMPLETED]).toBe("true");
  });

  it("is stopped at its deadline, and what it left is saved", async () => {
    const { main, wait, result } = await runPod(cluster, {
      template: { container: {}, outputs: { parameters: [{ name: "p", valueFrom: { path: "/tmp/p" } }] } },
      argv: sh("echo left >/tmp/p; exec sleep 60"),
      env: { ARGO_DEADLINE: new Date(Date.now() + 4_000).toISOString() },
    });
    expect(main?.exitCode).toBe(143);
    expect(wait).toMatchObject({ exitCode: 0, terminationMessage: "Step exceeded its deadline" });
    expect(result?.outputs?.parameters).toMatchObject([{ value: "left" }]);
  });

  it("whose wait is told to stop reports what there is", async () => {
    const { wait, result } = await runPod(cluster, {
      template: { container: {} },
      argv: sh("sleep 60"),
      onRunning: ({ main, wait }) => {
        wait.kill("SIGTERM");
        void wait.exitCode.then(() => main.kill("SIGKILL"));
      },
    });
    expect(wait).toMatchObject({ exitCode: 0 });
    expect(result?.metadata.labels[COMPLETED]).toBe("true");
  });

  it("sends its progress, the last value too, and survives a malformed line [fix 5]", async () => {
    const { wait, result } = await runPod(cluster, {
      template: { container: {} },
      argv: sh(
        "echo 50 >$ARGO_PROGRESS_FILE; sleep 0.3; echo 1/2 >>$ARGO_PROGRESS_FILE; sleep 0.3; echo 2/2 >>$ARGO_PROGRESS_FILE",
      ),
      env: { ARGO_PROGRESS_PATCH_TICK_DURATION: "100ms" },
    });
    expect(wait).toMatchObject({ exitCode: 0 });
    expect(result?.progress).toBe("2/2");
  });
});
