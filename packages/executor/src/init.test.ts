import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { ArtifactError, ConfigError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { runInit } from "./init.ts";
import { createTestPod, transferReport } from "./test-support.ts";

const s3 = { endpoint: "s3:9000", bucket: "b", key: "k" };

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o7777;
}

describe("runInit", () => {
  it("puts front, template and trace context where the pod's containers look for them", async () => {
    const template = { name: "t", container: {}, nodeSelector: { disk: "ssd" } };
    const { paths, parts } = await createTestPod(template);
    await runInit(parts);
    expect(await readFile(paths.front, "utf8")).toBe("the front");
    expect(await modeOf(paths.front)).toBe(0o555);
    expect(JSON.parse(await readFile(paths.template, "utf8"))).toEqual(template);
    expect(await modeOf(paths.template)).toBe(0o444);
    expect(JSON.parse(await readFile(paths.traceContext, "utf8"))).toMatchObject({
      traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`,
    });
  });

  it("can be run again, over what it left [compat 33]", async () => {
    const { paths, parts } = await createTestPod({
      script: { source: "echo" },
      inputs: { artifacts: [{ name: "a", path: "/a", s3 }] },
    });
    await runInit(parts);
    await runInit(parts);
    expect(await readFile(paths.front, "utf8")).toBe("the front");
    expect(await readFile(paths.script, "utf8")).toBe("echo");
  });

  it("stages a script, executable, and a manifest", async () => {
    const script = await createTestPod({ script: { source: "#!/bin/sh\necho €\n" } });
    await runInit(script.parts);
    expect(await readFile(script.paths.script, "utf8")).toBe("#!/bin/sh\necho €\n");
    expect(await modeOf(script.paths.script)).toBe(0o755);
    const resource = await createTestPod({ resource: { action: "create", manifest: "kind: X" } });
    await runInit(resource.parts);
    expect(await readFile(resource.paths.manifest, "utf8")).toBe("kind: X");
  });

  it("loads all artifacts, gives them their modes and tells of each in the trace", async () => {
    const pod = await createTestPod({
      inputs: {
        artifacts: [
          { name: "a", path: "/a", s3, mode: 0o640 },
          { name: "b", path: "/b", s3 },
          { name: "c", path: "/c", optional: true },
        ],
      },
    });
    await runInit(pod.parts);
    expect(pod.calls.loads.map(({ target }) => target)).toEqual([
      `${pod.paths.inputArtifacts}/a`,
      `${pod.paths.inputArtifacts}/b`,
    ]);
    expect(await modeOf(`${pod.paths.inputArtifacts}/a`)).toBe(0o640);
    const spans = await pod.spans();
    const byName = new Map(spans.map((span) => [span.name, span]));
    expect(spans.map(({ name }) => name).sort()).toEqual(["loadArtifacts", "runInitContainer", "stageFiles"]);
    expect(byName.get("loadArtifacts")?.parentSpanId).toBe(byName.get("runInitContainer")?.spanId);
    expect(byName.get("runInitContainer")?.parentSpanId).toBe("cd".repeat(8));
    expect(byName.get("loadArtifacts")?.events?.map(({ name }) => name)).toEqual([
      "download artifact",
      "download artifact",
    ]);
    expect(byName.get("loadArtifacts")?.attributes).toEqual(
      expect.arrayContaining([
        { key: "argo.artifacts.count", value: { intValue: "2" } },
        { key: "argo.artifacts.bytes", value: { intValue: "20" } },
      ]),
    );
  });

  it("keeps the order of declaration where one artifact goes into another's directory", async () => {
    const container = { volumeMounts: [{ name: "work", mountPath: "/work" }] };
    const inputs = [
      { name: "tree", path: "/work/d", s3 },
      { name: "apart", path: "/work/other", s3 },
      { name: "inside", path: "/work/d/sub", s3 },
    ];
    const { parts } = await createTestPod({ container, inputs: { artifacts: inputs } });
    const order: string[] = [];
    const engine = await parts.createEngine({ signal: parts.signal });
    const createEngine: typeof parts.createEngine = async () => ({
      ...engine,
      async load(request) {
        order.push(`begin ${request.artifact.name}`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`end ${request.artifact.name}`);
        return transferReport(request.artifact);
      },
    });
    await runInit({ ...parts, createEngine });
    expect(order.indexOf("begin inside")).toBeGreaterThan(order.indexOf("end tree"));
  });

  it("makes no engine where there is nothing to load", async () => {
    const { parts } = await createTestPod({ container: {} });
    await runInit({ ...parts, createEngine: () => Promise.reject(new Error("not needed")) });
  });

  it("says whose load failed, and leaves no other running", async () => {
    const pod = await createTestPod({
      inputs: { artifacts: ["a", "b", "c"].map((name) => ({ name, path: `/${name}`, s3 })) },
    });
    pod.artifactFaults.b = new ArtifactError("failed to get file: no such key", { code: "s3.no_such_key" });
    await expect(runInit(pod.parts)).rejects.toMatchObject({
      message: "artifact b failed to load: failed to get file: no such key",
      code: "s3.no_such_key",
    });
    expect(existsSync(`${pod.paths.inputArtifacts}/c`)).toBe(false);
    const failed = (await pod.spans()).find(({ name }) => name === "loadArtifacts");
    expect(failed?.status).toMatchObject({ code: 2 });
  });

  it.each([
    ["illegal file path: ../x", "archive.path_escape"],
    ["open /argo/secret/s/k: no such file or directory", "secret.missing"],
  ] as const)("says for which artifact: %s", async (message, code) => {
    const pod = await createTestPod({ inputs: { artifacts: [{ name: "a", path: "/a", s3 }] } });
    pod.artifactFaults.a = new ArtifactError(message, { code });
    await expect(runInit(pod.parts)).rejects.toMatchObject({
      message: `artifact a failed to load: ${message}`,
      code,
    });
  });

  it("passes on as it is what names the artifact already", async () => {
    const pod = await createTestPod({ inputs: { artifacts: [{ name: "a", path: "/a", s3 }] } });
    const message = "Unsupported artifact driver for a";
    pod.artifactFaults.a = new ArtifactError(message, { code: "artifact.unsupported_driver" });
    await expect(runInit(pod.parts)).rejects.toMatchObject({ message });
  });

  it("goes on without an optional artifact that is not found, and not for any other reason", async () => {
    const artifact = { name: "a", path: "/a", s3, optional: true };
    const missing = await createTestPod({ inputs: { artifacts: [artifact] } });
    missing.artifactFaults.a = new ArtifactError("no such key", { code: "s3.no_such_key" });
    await runInit(missing.parts);
    expect(missing.messages()).toContain("Skipping optional input artifact that was not found");
    const denied = await createTestPod({ inputs: { artifacts: [artifact] } });
    denied.artifactFaults.a = new ArtifactError("denied", { code: "s3.access_denied" });
    await expect(runInit(denied.parts)).rejects.toThrow("artifact a failed to load: denied");
  });

  it("stops when the container is told to", async () => {
    const stop = new AbortController();
    const pod = await createTestPod(
      { inputs: { artifacts: [{ name: "a", path: "/a", s3 }] } },
      { signal: stop.signal },
    );
    stop.abort(new Error("stopped by SIGTERM"));
    await expect(runInit(pod.parts)).rejects.toThrow("artifact a failed to load: stopped by SIGTERM");
  });

  it("says what is missing when it was not started through the front", async () => {
    const { parts } = await createTestPod({ container: {} }, { env: { SKEIN_FRONT: "" } });
    await expect(runInit(parts)).rejects.toThrow(ConfigError);
  });
});
