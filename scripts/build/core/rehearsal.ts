/**
 * The acts as most pods run them, so that V8 compiles what they need and the build can keep it. Bundled together with
 * the core and run from its chunks; not part of the image.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createPaths, type Paths, type Template } from "@skein/contract";
import { run } from "../../../packages/argoexec/src/run.ts";

export interface RehearsalStage {
  /** An empty directory: the root of the pod's file system. */
  directory: string;
  front: string;
  s3: { endpoint: string; bucket: string; accessKey: string; secretKey: string };
  apiServer: { port: number; token: string; ca: string };
  /** Base URL of an OTLP collector. */
  collector: string;
}

/** @throws Error when an act fails: what the image will do in every pod must work here */
export async function rehearse(stage: RehearsalStage): Promise<void> {
  const paths = createPaths(stage.directory);
  setStage(stage, paths);
  await act(stage, paths, ["version"]);
  await act(stage, paths, ["init"]);
  await act(stage, paths, ["supervisor", "load"]);
  await act(stage, paths, ["wait", "begin"]);
  finishMain(paths);
  await act(stage, paths, ["wait", "tick"]);
  await act(stage, paths, ["wait", "finish"]);
  await act(stage, paths, ["init"], templateOf(stage, { loads: true }));
}

function setStage(stage: RehearsalStage, paths: Paths): void {
  put(paths.secret("s3", "accesskey"), stage.s3.accessKey);
  put(paths.secret("s3", "secretkey"), stage.s3.secretKey);
  put(join(paths.serviceAccount, "token"), stage.apiServer.token);
  put(join(paths.serviceAccount, "ca.crt"), stage.apiServer.ca);
  put(join(paths.serviceAccount, "namespace"), "rehearsal");
  put(paths.terminationLog, "");
  for (const directory of [paths.mainContainerRoot, paths.inputArtifacts, dirname(paths.script)]) {
    mkdirSync(directory, { recursive: true });
  }
  for (let index = 0; index < 20; index++)
    put(join(paths.mainContainerRoot, `data/tree/${index}`), "content\n");
  put(join(paths.mainContainerRoot, "data/file"), "content\n");
  put(join(paths.mainContainerRoot, "data/parameter"), "value");
}

function finishMain(paths: Paths): void {
  put(paths.combined("main"), "hello\n");
  put(paths.stdout("main"), "hello\n");
  put(paths.exitCode("main"), "0");
  put(join(paths.shared, "progress"), "1/2");
}

async function act(
  stage: RehearsalStage,
  paths: Paths,
  argv: string[],
  template = templateOf(stage, { loads: false }),
): Promise<void> {
  let said = "";
  const say = (text: string): void => {
    said += text;
  };
  const exitCode = await run({
    argv: [...argv, "--loglevel", "info", "--log-format", "text"],
    env: environment(stage, paths, argv[0] ?? "", template),
    paths,
    umask: 0o022,
    terminal: { columns: 100, color: false },
    stdout: say,
    stderr: say,
    setEnv: () => {},
    onTermination: () => {},
    crashed: new Promise<never>(() => {}),
  });
  if (exitCode !== 0) throw new Error(`argoexec ${argv.join(" ")} ended with ${exitCode}:\n${said}`);
}

function environment(
  { apiServer, collector, front }: RehearsalStage,
  paths: Paths,
  container: string,
  template: Template,
): Record<string, string> {
  return {
    ARGO_CONTAINER_NAME: container,
    ARGO_DEADLINE: "0001-01-01T00:00:00Z",
    ARGO_INCLUDE_SCRIPT_OUTPUT: "true",
    ARGO_NODE_ID: "rehearsal-1",
    ARGO_POD_NAME: "rehearsal-1",
    ARGO_PROGRESS_FILE: join(paths.shared, "progress"),
    ARGO_PROGRESS_PATCH_TICK_DURATION: "1m0s",
    ARGO_TEMPLATE: JSON.stringify(template),
    ARGO_WORKFLOW_NAME: "rehearsal",
    ARGO_WORKFLOW_UID: "00000000-0000-4000-8000-000000000000",
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(apiServer.port),
    // One after another, so that functions are met in the same order each time.
    SKEIN_TRANSFER_ARTIFACTS: "1",
    SKEIN_TRANSFER_REQUESTS: "1",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    SKEIN_FRONT: front,
    TRACEPARENT: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  };
}

function templateOf({ s3 }: RehearsalStage, { loads }: { loads: boolean }): Template {
  const saved = [
    { name: "file", path: "/data/file", archive: { none: {} }, s3: { key: "rehearsal/file" } },
    { name: "tree", path: "/data/tree", s3: { key: "rehearsal/tree.tgz" } },
  ];
  const raw = { name: "raw", path: "/in/raw", raw: { data: "text" } };
  const loaded = saved.map((artifact) => ({ ...artifact, path: `/in/${artifact.name}` }));
  return {
    name: "rehearsal",
    inputs: { artifacts: loads ? [...loaded, raw] : [] },
    outputs: {
      artifacts: loads ? [] : saved,
      parameters: [{ name: "parameter", valueFrom: { path: "/data/parameter" } }],
    },
    script: {
      image: "rehearsal",
      command: ["sh"],
      source: "true",
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    },
    archiveLocation: {
      archiveLogs: true,
      s3: {
        endpoint: s3.endpoint,
        bucket: s3.bucket,
        insecure: true,
        accessKeySecret: { name: "s3", key: "accesskey" },
        secretKeySecret: { name: "s3", key: "secretkey" },
        key: "rehearsal/pod",
      },
    },
  };
}

function put(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
