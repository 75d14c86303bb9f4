import { parseTemplate } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { startS3Server } from "../../../test/support/s3-server.ts";
import { startCluster } from "./testing/cluster.ts";
import { examine, podFiles } from "./testing/doctor.ts";

interface Pod {
  metadata: { namespace: string };
  spec: {
    serviceAccountName: string;
    containers: { image: string; args: string[]; env: { name: string; value?: string }[] }[];
    volumes: { name: string; secret?: { secretName: string } }[];
  };
}

const EXECUTOR = `
image: registry.example.com/skein:1
env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel:4317"}]
securityContext: {runAsNonRoot: true, runAsUser: 8737}
`;
const REPOSITORY = `
s3:
  bucket: artifacts
  endpoint: ENDPOINT
  insecure: true
  keyFormat: "team/{{workflow.name}}/{{pod.name}}"
  accessKeySecret: {name: s3, key: access}
  secretKeySecret: {name: s3, key: secret}
`;

describe("skein doctor --pod", () => {
  it("prints a pod as the controller makes them: image, account, variables, secrets, repository", async () => {
    await using cluster = await startCluster({
      objects: {
        "/api/v1/namespaces/argo/configmaps/workflow-controller-configmap": {
          data: {
            executor: EXECUTOR,
            artifactRepository: REPOSITORY.replace("ENDPOINT", "minio.storage.svc:9000"),
          },
        },
      },
    });
    const args = [
      "--pod",
      "--kubeconfig",
      "ROOT/kubeconfig",
      "--service-account",
      "runner",
      "--git",
      "git@github.com:o/r.git",
    ];
    const { exitCode, stdout } = await examine(args, { files: { kubeconfig: cluster.kubeconfig } });
    expect(exitCode).toBe(0);
    await expect(stdout).toMatchFileSnapshot("testdata/pod.yaml");
    // Nothing was put anywhere, and no secret was read.
    expect(cluster.requests.filter((request) => !request.startsWith("GET "))).toEqual([]);
    expect(cluster.requests.filter((request) => request.includes("/secrets/"))).toEqual([]);
  });

  it("prints variables that YAML 1.1 takes for booleans as the texts they are", async () => {
    const env = `env: [{name: SKEIN_TRACE, value: "off"}, {name: A, value: "1:30"}]`;
    await using cluster = await startCluster({
      objects: {
        "/api/v1/namespaces/argo/configmaps/workflow-controller-configmap": {
          data: { executor: `image: skein\n${env}` },
        },
      },
    });
    const args = ["--pod", "--kubeconfig", "ROOT/kubeconfig", "--bucket", "b"];
    const { stdout } = await examine(args, { files: { kubeconfig: cluster.kubeconfig } });
    const [container] = (parse(stdout, { version: "1.1" }) as Pod).spec.containers;
    expect(container?.env).toEqual(
      expect.arrayContaining([
        { name: "SKEIN_TRACE", value: "off" },
        { name: "A", value: "1:30" },
      ]),
    );
  });

  it("runs the same checks inside, with what stands in its template", async () => {
    await using server = await startS3Server();
    await using cluster = await startCluster({
      objects: {
        "/api/v1/namespaces/argo/configmaps/workflow-controller-configmap": {
          data: { artifactRepository: REPOSITORY.replace("ENDPOINT", server.endpoint) },
        },
      },
    });
    const files = podFiles(cluster, server);
    const { stdout } = await examine(["--pod", "--kubeconfig", "ROOT/kubeconfig"], { files });
    const [container] = (parse(stdout) as Pod).spec.containers;
    const template = container?.env.find(({ name }) => name === "ARGO_TEMPLATE")?.value ?? "";
    expect(parseTemplate(template, "the pod").archiveLocation?.s3).toMatchObject({ key: "team/" });
    const env = {
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBECONFIG: "ROOT/kubeconfig",
      ARGO_TEMPLATE: template,
    };
    const [, ...args] = container?.args ?? [];
    const inside = await examine([...args, "--json"], { env, files });
    expect(inside.checks["s3-delete"]).toMatchObject({
      status: "ok",
      evidence: expect.stringMatching(/^removed s3:\/\/artifacts\/team\/skein-doctor-/),
    });
  });
});
