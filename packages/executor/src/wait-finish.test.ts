import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Artifact, ArtifactError, type JournalLine } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { createTestPod, put, type TestPod } from "./test-support.ts";
import { runWaitFinish } from "./wait-finish.ts";

const archiveLocation = { s3: { endpoint: "s3:9000", bucket: "b", key: "wf/pod" } };
const forbidden = new ArtifactError("workflowtaskresults.argoproj.io is forbidden", {
  code: "kubernetes.forbidden",
});

/** What the front leaves of an artifact of the image. */
function packed(pod: TestPod, path: string): Promise<string> {
  return put(`${join(pod.paths.outputArtifacts, path)}.tgz`, "tgz");
}

describe("runWaitFinish", () => {
  it("reports everything at once: parameters, result, artifacts, logs", async () => {
    const parameter = { name: "p", valueFrom: { path: "/tmp/p" } };
    const pod = await createTestPod(
      {
        script: { source: "" },
        outputs: { parameters: [parameter], artifacts: [{ name: "out", path: "/tmp/out" }] },
        archiveLocation: { ...archiveLocation, archiveLogs: true },
      },
      { env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" } },
    );
    const { paths } = pod;
    await put(join(paths.outputParameters, "tmp/p"), "v\n");
    await put(paths.stdout("main"), "result\n");
    await put(paths.combined("main"), "result\n");
    await packed(pod, "/tmp/out");
    await put(
      paths.journal("main"),
      '{"event":"output","timeUnixNano":"1","kind":"artifact","path":"/tmp/out","seconds":1.5,"bytes":7,"files":1}\n',
    );
    expect(await runWaitFinish(pod.parts)).toEqual({ error: undefined, message: undefined });
    expect(pod.reported.steps).toEqual(["report", "finalize"]);
    expect(pod.reported.outputs).toEqual({
      parameters: [{ ...parameter, value: "v" }],
      result: "result",
      artifacts: [
        { name: "out", path: "/tmp/out", s3: { key: "wf/pod/out.tgz" } },
        { name: "main-logs", s3: { key: "wf/pod/main.log" } },
      ],
    });
    expect(new Set(pod.calls.saves.map(({ source }) => source))).toEqual(
      new Set([
        {
          kind: "packed",
          tgz: join(paths.outputArtifacts, "tmp/out.tgz"),
          basename: "out",
          contents: { files: 1, unpackedBytes: 7, packingSeconds: 1.5 },
        },
        { kind: "file", path: paths.combined("main") },
      ]),
    );
  });

  it("reports the same when it is run again", async () => {
    const pod = await createTestPod({
      container: {},
      outputs: { artifacts: [{ name: "out", path: "/tmp/out" }] },
      archiveLocation,
    });
    await packed(pod, "/tmp/out");
    await runWaitFinish(pod.parts);
    const first = pod.reported.outputs;
    await runWaitFinish(pod.parts);
    expect(pod.reported.outputs).toEqual(first);
    expect(pod.reported.steps).toEqual(["report", "finalize", "report", "finalize"]);
  });

  it("saves and reports what there is when one artifact fails, and names each that did", async () => {
    const artifacts: Artifact[] = ["a", "b", "c", "d"].map((name) => ({ name, path: `/tmp/${name}` }));
    const pod = await createTestPod({ container: {}, outputs: { artifacts }, archiveLocation });
    await Promise.all(["a", "b", "d"].map((name) => packed(pod, `/tmp/${name}`)));
    pod.artifactFaults.a = new ArtifactError("failed to put file: denied", { code: "s3.access_denied" });
    const { error } = await runWaitFinish(pod.parts);
    const missing = join(pod.paths.outputArtifacts, "tmp/c.tgz");
    expect(error?.message).toBe(
      `artifact a failed to save: failed to put file: denied; artifact c failed to save: open ${missing}: no such file or directory; `,
    );
    expect(pod.reported.outputs?.artifacts?.map(({ name }) => name)).toEqual(["b", "d"]);
    expect(pod.reported.steps).toEqual(["report", "finalize"]);
  });

  it("says in upstream's words what is missing in a volume", async () => {
    const container = { volumeMounts: [{ name: "w", mountPath: "/work" }] };
    const artifacts: Artifact[] = [
      { name: "t", path: "/work/t" },
      { name: "n", path: "/work/n", archive: { none: {} } },
    ];
    const pod = await createTestPod({ container, outputs: { artifacts }, archiveLocation });
    await mkdir(join(pod.paths.mainContainerRoot, "work"), { recursive: true });
    const { error } = await runWaitFinish(pod.parts);
    const root = pod.paths.mainContainerRoot;
    expect(error?.message).toBe(
      `artifact t failed to save: stat ${root}/work/t: no such file or directory; artifact n failed to save: ${root}/work/n no such file or directory; `,
    );
  });

  it("passes over an optional artifact that is missing, not one that cannot be uploaded", async () => {
    const artifacts: Artifact[] = [
      { name: "gone", path: "/tmp/gone", optional: true },
      { name: "there", path: "/tmp/there", optional: true },
    ];
    const pod = await createTestPod({ container: {}, outputs: { artifacts }, archiveLocation });
    await packed(pod, "/tmp/there");
    pod.artifactFaults.there = new ArtifactError("404", { code: "http.not_found" });
    expect((await runWaitFinish(pod.parts)).error?.message).toBe("artifact there failed to save: 404; ");
    const all = (await pod.spans()).find(({ name }) => name === "saveArtifacts");
    expect(all?.status).toEqual({ code: 2, message: "404" });
    expect(pod.messages()).toContain("Ignoring optional artifact which does not exist in path");
  });

  it("does not upload what a link in a volume leads to outside of it", async () => {
    const container = { volumeMounts: [{ name: "w", mountPath: "/work" }] };
    const pod = await createTestPod({
      container,
      outputs: { artifacts: [{ name: "out", path: "/work/out" }] },
      archiveLocation,
    });
    const secret = await put(pod.paths.secret("cred", "key"), "canary");
    const link = join(pod.paths.mainContainerRoot, "work/out");
    await mkdir(dirname(link), { recursive: true });
    await symlink(secret, link);
    expect((await runWaitFinish(pod.parts)).error?.message).toMatch(
      /^artifact \w+ failed to save: stat .*: leads to .*; $/,
    );
    expect(pod.calls.saves).toEqual([]);
  });

  it("gives the first error of upstream's order: result, parameters, artifacts, report", async () => {
    const pod = await createTestPod(
      {
        container: {},
        outputs: {
          parameters: [{ name: "p", valueFrom: { path: "/tmp/p" } }],
          artifacts: [{ name: "a", path: "/tmp/a" }],
        },
        archiveLocation,
      },
      { env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" } },
    );
    pod.faults.report = forbidden;
    const stdout = pod.paths.stdout("main");
    expect((await runWaitFinish(pod.parts)).error?.message).toBe(`open ${stdout}: no such file or directory`);
    await put(stdout, "");
    expect((await runWaitFinish(pod.parts)).error?.message).toMatch(/outputs\/parameters\/tmp\/p/);
    await put(join(pod.paths.outputParameters, "tmp/p"), "");
    expect((await runWaitFinish(pod.parts)).error?.message).toMatch(/outputs\/artifacts\/tmp\/a.tgz/);
    await packed(pod, "/tmp/a");
    expect((await runWaitFinish(pod.parts)).error).toBe(forbidden);
  });

  it("sets the label even when the report was refused; that the label was refused is only a message", async () => {
    const pod = await createTestPod({ container: {} });
    pod.faults.finalize = forbidden;
    expect(await runWaitFinish(pod.parts)).toEqual({ error: undefined, message: forbidden.message });
    pod.faults.report = new Error("too large");
    const { error, message } = await runWaitFinish(pod.parts);
    expect([error?.message, message]).toEqual(["too large", "too large"]);
    expect(pod.reported.steps).toEqual(["report", "finalize", "report", "finalize"]);
  });

  it("ends with what an earlier act recorded, unless the container was started again since", async () => {
    const pod = await createTestPod({ container: {} });
    const start = { event: "start", timeUnixNano: "1", role: "wait", traceparent: "", parentSpanId: "" };
    const lines = [start, { event: "error", timeUnixNano: "2", message: "not yet" }];
    const write = () =>
      put(pod.paths.journal("wait"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await write();
    expect((await runWaitFinish(pod.parts)).error?.message).toBe("not yet");
    lines.push(start);
    await write();
    expect((await runWaitFinish(pod.parts)).error).toBeUndefined();
  });

  it("hides the reason why main of an init-less pod was not started behind no missing output", async () => {
    const pod = await createTestPod(
      {
        container: {},
        outputs: {
          parameters: [{ name: "p", valueFrom: { path: "/tmp/p" } }],
          artifacts: [{ name: "out", path: "/tmp/out" }],
        },
        archiveLocation: { ...archiveLocation, archiveLogs: true },
      },
      { env: { ARGO_INITLESS_POD: "true" } },
    );
    const ofMain = (...lines: object[]) =>
      put(pod.paths.journal("main"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const start = { event: "start", timeUnixNano: "1", role: "emissary", traceparent: "", parentSpanId: "" };
    const notReady = { event: "pre_main", timeUnixNano: "2", ready: false };
    await ofMain(start, notReady);
    await put(pod.paths.combined("main"), "");
    expect(await runWaitFinish(pod.parts)).toEqual({ error: undefined, message: undefined });
    expect(pod.messages()).toContainEqual(expect.stringMatching(/^main was not started/));
    expect(pod.reported.steps).toEqual(["report", "finalize"]);
    // Of a main that was started, they are missing.
    await ofMain(start);
    expect((await runWaitFinish(pod.parts)).error?.message).toMatch(/outputs\/parameters\/tmp\/p/);
  });

  it("keeps the end of a long result and says so", async () => {
    const pod = await createTestPod({ container: {} }, { env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" } });
    await put(pod.paths.stdout("main"), "x".repeat(300_000));
    await runWaitFinish(pod.parts);
    expect(pod.reported.outputs?.result).toHaveLength(262_144);
    expect(pod.messages()).toContainEqual(expect.stringMatching(/only the last 256 kB were saved/));
  });

  it("takes no logs where there are none, and says which container was silent", async () => {
    const containerSet = { containers: [{ name: "a" }, { name: "b" }] };
    const pod = await createTestPod({
      containerSet,
      archiveLocation: { ...archiveLocation, archiveLogs: true },
    });
    await put(pod.paths.combined("b"), "b speaks");
    expect((await runWaitFinish(pod.parts)).error).toBeUndefined();
    expect(pod.reported.outputs).toEqual({ artifacts: [{ name: "b-logs", s3: { key: "wf/pod/b.log" } }] });
    expect(pod.records).toContainEqual(
      expect.objectContaining({
        msg: "no logs to save: container produced no output",
        containerName: "a",
      }),
    );
  });

  it("works without anything main should have written", async () => {
    const pod = await createTestPod({ container: {} });
    await rm(pod.paths.shared, { recursive: true, force: true });
    expect(await runWaitFinish(pod.parts)).toEqual({ error: undefined, message: undefined });
    expect(pod.reported.outputs).toEqual({});
  });

  it("makes the spans of the containers from the journals of the front", async () => {
    const pod = await createTestPod({ container: {} });
    const trace = "ab".repeat(16);
    const at = (second: number) => `${1_800_000_000 + second}000000000`;
    const write = (container: string, lines: JournalLine[]) =>
      put(pod.paths.journal(container), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await write("wait", [
      {
        event: "start",
        timeUnixNano: at(0),
        role: "wait",
        traceparent: `00-${trace}-${"1".repeat(16)}-01`,
        parentSpanId: "cd".repeat(8),
      },
      { event: "watch.start", timeUnixNano: at(1) },
      { event: "watch.end", timeUnixNano: at(5), reason: "completed" },
    ]);
    await write("main", [
      {
        event: "start",
        timeUnixNano: at(2),
        role: "emissary",
        traceparent: `00-${trace}-${"2".repeat(16)}-01`,
        parentSpanId: "cd".repeat(8),
      },
      { event: "process.start", timeUnixNano: at(3), attempt: 1, pid: 7, command: "sh" },
      { event: "process.end", timeUnixNano: at(4), attempt: 1, exitCode: 3 },
      { event: "end", timeUnixNano: at(5), exitCode: 3 },
    ]);
    await runWaitFinish(pod.parts);
    const spans = new Map((await pod.spans()).map((span) => [span.name, span]));
    expect(spans.get("runMainContainer")).toMatchObject({
      spanId: "2".repeat(16),
      parentSpanId: "cd".repeat(8),
      startTimeUnixNano: at(2),
      endTimeUnixNano: at(5),
      status: { code: 2 },
    });
    expect(spans.get("runWaitContainer")).toMatchObject({ spanId: "1".repeat(16), startTimeUnixNano: at(0) });
    expect(spans.get("waitWorkload")).toMatchObject({
      parentSpanId: "1".repeat(16),
      startTimeUnixNano: at(1),
      endTimeUnixNano: at(5),
    });
    expect([...spans.keys()]).toEqual(
      expect.arrayContaining(["captureScriptResult", "saveArtifacts", "saveLogs"]),
    );
  });
});
