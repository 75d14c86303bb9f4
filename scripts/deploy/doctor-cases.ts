import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPaths, type Environment } from "@skein/contract";
import { runDoctor } from "@skein/doctor";
import type { ApiServer } from "../../test/e2e/cluster/api-server.ts";
import { LOOPBACK_CERTIFICATE } from "../../test/support/loopback-certificate.ts";
import { type Cases, run } from "./case.ts";

interface Check {
  id: string;
  status: string;
  evidence?: string;
  reason?: string;
  fix?: { say: string; copy?: string[] };
}

const NAMESPACE = "doctor";
const ACCOUNT = "runner";

/** `skein doctor` and what it advises, against a real API server with RBAC. */
export function doctorCases({ kubeconfig }: ApiServer, scratch: string): Cases {
  const env = { KUBECONFIG: kubeconfig };
  const kubectl = (...args: string[]): string => run(["kubectl", ...args], { env });

  async function doctor(args: string[], environment: Environment, root = scratch) {
    let stdout = "";
    const exitCode = await runDoctor(args, {
      stdout: (text) => {
        stdout += text;
      },
      stderr: (text) => void process.stderr.write(text),
      text: { columns: 100, color: false },
      env: environment,
      paths: createPaths(root),
      version: "0.1.0",
      umask: 0o022,
      command: "skein doctor",
      signal: new AbortController().signal,
    });
    return { exitCode, stdout };
  }

  async function checks(
    args: string[],
    environment: Environment,
    root?: string,
  ): Promise<Map<string, Check>> {
    const { stdout } = await doctor(["--json", ...args], environment, root);
    const { checks: found } = JSON.parse(stdout) as { checks: Check[] };
    return new Map(found.map((check) => [check.id, check]));
  }

  const outside = ["--kubeconfig", kubeconfig, "-n", NAMESPACE, "--service-account", ACCOUNT];

  return {
    async "skein doctor names the rights that are missing, and its own commands grant them"() {
      kubectl("create", "namespace", NAMESPACE);
      kubectl("-n", NAMESPACE, "create", "serviceaccount", ACCOUNT);
      const rights = (await checks(outside, {})).get("task-result-rights");
      equal(rights?.status, "fail");
      match(rights?.evidence ?? "", /doctor:runner may not create or patch workflowtaskresults in doctor$/);
      run(["bash", "-euo", "pipefail", "-c", (rights?.fix?.copy ?? []).join("\n")], { env });
      const after = await checks(outside, {});
      deepEqual(
        ["api-server", "task-result-rights", "task-result-dry-run"].map((id) => after.get(id)?.status),
        ["ok", "ok", "ok"],
      );
    },
    async "skein doctor, as the account itself, sees what an executor sees"() {
      const root = join(scratch, "pod");
      const account = createPaths(root).serviceAccount;
      mkdirSync(account, { recursive: true });
      writeFileSync(join(account, "token"), kubectl("-n", NAMESPACE, "create", "token", ACCOUNT));
      writeFileSync(join(account, "ca.crt"), LOOPBACK_CERTIFICATE);
      writeFileSync(join(account, "namespace"), NAMESPACE);
      const { port } = new URL(serverOf(kubeconfig));
      const inside = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: port, HOME: root };
      const found = await checks([], inside, root);
      match(
        found.get("task-result-rights")?.evidence ?? "",
        /^system:serviceaccount:doctor:runner may create and patch/,
      );
      equal(found.get("task-result-dry-run")?.status, "ok");
      match(found.get("controller")?.reason ?? "", /executors may not read it, and need not/);
      equal(found.get("clock")?.status, "ok");
      // A dry run keeps nothing.
      equal(kubectl("-n", NAMESPACE, "get", "workflowtaskresults.argoproj.io", "-o", "name"), "");
    },
    async "the pod that skein doctor --pod prints is admitted, with the secrets of the repository"() {
      const settings = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "workflow-controller-configmap", namespace: "argo" },
        data: {
          executor: "image: registry.example.com/skein:1\n",
          artifactRepository:
            "s3: {bucket: b, endpoint: minio.argo.svc:9000, accessKeySecret: {name: keys, key: access}, secretKeySecret: {name: keys, key: secret}}\n",
        },
      };
      run(["kubectl", "apply", "-f", "-"], { env, input: JSON.stringify(settings) });
      const { stdout } = await doctor(["--pod", ...outside], {});
      const admitted = run(["kubectl", "create", "--dry-run=server", "-o", "yaml", "-f", "-"], {
        env,
        input: stdout,
      });
      match(admitted, /image: registry\.example\.com\/skein:1/);
      match(admitted, /secretName: keys/);
      kubectl("-n", "argo", "delete", "configmap", "workflow-controller-configmap");
    },
  };
}

function serverOf(kubeconfig: string): string {
  const { clusters } = JSON.parse(readFileSync(kubeconfig, "utf8")) as {
    clusters: { cluster: { server: string } }[];
  };
  return clusters[0]?.cluster.server ?? "";
}
