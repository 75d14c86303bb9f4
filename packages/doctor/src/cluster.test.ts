import { describe, expect, it } from "vitest";
import { startSilentServer } from "../../../test/support/silent-server.ts";
import { type ClusterOptions, startCluster } from "./testing/cluster.ts";
import { type Examined, examine, podEnvironment } from "./testing/doctor.ts";

/** From outside, by a kubeconfig. */
async function outside(options: ClusterOptions = {}, args: string[] = []): Promise<Examined> {
  await using cluster = await startCluster(options);
  const files = { kubeconfig: cluster.kubeconfig };
  return await examine(["--json", "--kubeconfig", "ROOT/kubeconfig", ...args], { files });
}

/** From inside, as the account that executors run with. */
async function inside(options: ClusterOptions = {}): Promise<Examined> {
  await using cluster = await startCluster({ isAdministrator: false, ...options });
  const claims = { "kubernetes.io": { namespace: "ci", serviceaccount: { name: "runner" } } };
  const token = `header.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
  const files = {
    kubeconfig: cluster.kubeconfig,
    "var/run/secrets/kubernetes.io/serviceaccount/token": token,
  };
  return await examine(["--json"], { env: podEnvironment({}, { ARGO_TEMPLATE: '{"name":"t"}' }), files });
}

const CONTROLLER = "/api/v1/namespaces/argo/configmaps/workflow-controller-configmap";
const DEPLOYMENT = "/apis/apps/v1/namespaces/argo/deployments/workflow-controller";

function controller(
  data: Record<string, string>,
  image = "quay.io/argoproj/workflow-controller:v4.1.2",
  args = [""],
) {
  const containers = [{ name: "workflow-controller", image, args }];
  return { [CONTROLLER]: { data }, [DEPLOYMENT]: { spec: { template: { spec: { containers } } } } };
}

describe("the rights for task results", () => {
  it("are enough with the Role of deploy/, asked for an account from outside and for oneself in a pod", async () => {
    const seen = await outside();
    expect(seen.checks["task-result-rights"]).toMatchObject({
      status: "ok",
      evidence: "system:serviceaccount:ci:default may create and patch workflowtaskresults in ci",
    });
    const self = await inside();
    expect(self.checks["task-result-rights"]?.evidence).toMatch(
      /^system:serviceaccount:ci:runner may create and patch/,
    );
    expect(self.checks["task-result-dry-run"]).toMatchObject({ status: "ok" });
  });

  it("that are missing are named, with the commands that grant just them", async () => {
    const rules = [{ apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create"] }];
    const seen = await inside({ rules });
    expect(seen.exitCode).toBe(1);
    expect(seen.checks["task-result-rights"]).toMatchObject({
      status: "fail",
      evidence: "system:serviceaccount:ci:runner may not patch workflowtaskresults in ci",
      fix: {
        copy: [
          "kubectl -n ci create role skein-executor --verb=create,patch --resource=workflowtaskresults.argoproj.io --dry-run=client -o yaml | kubectl -n ci apply -f -",
          "kubectl -n ci create rolebinding skein-executor-runner --role=skein-executor --serviceaccount=ci:runner --dry-run=client -o yaml | kubectl -n ci apply -f -",
        ],
      },
    });
    expect(seen.checks["task-result-dry-run"]?.reason).toBe("task-result-rights comes first");
  });

  it("of an account that nobody has bound are missed from outside", async () => {
    const seen = await outside({}, ["--service-account", "builder", "-n", "ci"]);
    expect(seen.checks["task-result-rights"]).toMatchObject({
      status: "fail",
      evidence: "system:serviceaccount:ci:builder may not create or patch workflowtaskresults in ci",
    });
  });

  it("cannot be asked for by everybody, and that is said", async () => {
    const seen = await outside({ isAdministrator: false });
    expect(seen.checks["task-result-rights"]?.reason).toMatch(/^you may not ask for the rights of others/);
  });
});

describe("a task result", () => {
  it("cannot be created where the custom resource is missing", async () => {
    const seen = await inside({ hasTaskResults: false });
    expect(seen.checks["task-result-dry-run"]).toMatchObject({
      status: "fail",
      fix: { copy: [expect.stringMatching(/^kubectl apply --server-side -k .*manifests\/base\/crds/)] },
    });
  });

  it("that an admission rule refuses shows the rule's words", async () => {
    const refusal = 'admission webhook "policy.example.com" denied the request: label team is missing';
    const seen = await inside({ refusal });
    expect(seen.checks["task-result-dry-run"]).toMatchObject({
      status: "fail",
      evidence: refusal,
      fix: { say: expect.stringContaining("exempt workflowtaskresults") },
    });
  });
});

describe("a remedy", () => {
  it("is one for this machine from outside, and one for pods inside", async () => {
    const s3 = ["--bucket", "b", "--endpoint", "127.0.0.1:1", "--insecure"];
    const seen = await outside({}, s3);
    expect(seen.checks["s3-endpoint"]?.fix.say).toMatch(/, and that this machine can reach it /);
    const env = podEnvironment({ bucket: "b", endpoint: "127.0.0.1:1" });
    const inPod = await examine(["--json"], { env });
    expect(inPod.checks["s3-endpoint"]?.fix.say).toBe("check that the server runs and listens on this port");
  });

  it.each(["outside", "inside"])("of what does not answer is so too: %s", async (where) => {
    const endpoint = await startSilentServer();
    const args = ["--json", "--timeout", "0.5"];
    const env = podEnvironment({ bucket: "b", endpoint });
    const seen =
      where === "inside"
        ? await examine(args, { env })
        : await examine([...args, "--bucket", "b", "--endpoint", endpoint, "--insecure"], {});
    expect(seen.checks["s3-endpoint"]?.fix.say).toMatch(
      where === "inside" ? /let pods reach its host and port/ : /^the store .* from this machine/,
    );
  });
});

describe("the controller's settings", () => {
  const executor = "image: registry.example.com/skein:1\nenv: [{name: SKEIN_TRACE, value: files}]\n";

  it("are shown, without the values of variables", async () => {
    const seen = await outside({ objects: controller({ executor, artifactRepository: "s3: {bucket: b}" }) });
    expect(seen.checks.controller).toMatchObject({
      status: "ok",
      evidence:
        "executor.image registry.example.com/skein:1; executor.env SKEIN_TRACE; artifactRepository set; version v4.1.2",
    });
  });

  it("in which the flag wins show the flag's image", async () => {
    const objects = controller({ executor }, "quay.io/argoproj/workflow-controller:v3.7.3", [
      "--executor-image",
      "quay.io/argoproj/argoexec:v3.7.3",
    ]);
    expect((await outside({ objects })).checks.controller?.evidence).toMatch(
      /^executor\.image quay\.io\/argoproj\/argoexec:v3\.7\.3 \(flag --executor-image\)/,
    );
  });

  it.each([
    [
      "a key beside config",
      controller({ config: "executor: {}", executor }),
      "fail",
      /has executor beside the key config/,
    ],
    [
      "a variable in executor.env that the exporters pass over",
      controller({ executor: "env: [{name: OTEL_EXPORTER_OTLP_COMPRESSION, value: snappy}]" }),
      "warn",
      /^executor\.env: OTEL_EXPORTER_OTLP_COMPRESSION is "snappy", which/,
    ],
    [
      "YAML that is none",
      controller({ executor: "image: [" }),
      "fail",
      /ConfigMap argo\/workflow-controller-configmap: /,
    ],
    [
      "a memory limit that is too low",
      controller({ executor: "resources: {limits: {memory: 64Mi}}" }),
      "warn",
      /^executor\.resources\.limits\.memory is 64Mi/,
    ],
    [
      "a version that is too old",
      controller({}, "argoproj/workflow-controller:v3.4.11"),
      "warn",
      /version v3\.4\.11/,
    ],
    ["no ConfigMap", {}, "warn", /not there$/],
  ])("with %s are judged", async (_what, objects, status, evidence) => {
    const { checks } = await outside({ objects: objects as Record<string, Record<string, unknown>> });
    expect(checks.controller).toMatchObject({ status, evidence: expect.stringMatching(evidence) });
    expect(checks.controller?.fix.say).not.toBe("");
  });

  it("that an executor may not read are no failure", async () => {
    expect((await inside()).checks.controller?.reason).toMatch(/executors may not read it, and need not/);
  });
});

describe("the artifact repository", () => {
  const s3 = (bucket: string) =>
    `s3: {bucket: ${bucket}, endpoint: "127.0.0.1:1", keyFormat: "team/{{workflow.name}}"}`;
  const ofNamespace = {
    "/api/v1/namespaces/ci/configmaps/artifact-repositories": {
      metadata: { annotations: { "workflows.argoproj.io/default-artifact-repository": "main" } },
      data: { main: s3("of-the-namespace"), other: s3("other") },
    },
  };

  it("of the namespace comes before the controller's", async () => {
    const objects = { ...ofNamespace, ...controller({ artifactRepository: s3("of-the-controller") }) };
    expect((await outside({ objects })).checks.repository?.evidence).toBe(
      "s3 bucket of-the-namespace at 127.0.0.1:1, from ConfigMap ci/artifact-repositories, key main",
    );
  });

  it("of the controller counts where the namespace has none", async () => {
    const objects = controller({ config: `artifactRepository: {${s3("of-the-controller")}}` });
    expect((await outside({ objects })).checks.repository?.evidence).toMatch(/^s3 bucket of-the-controller/);
  });

  it("may be changed by flags", async () => {
    const { checks } = await outside({ objects: ofNamespace }, ["--bucket", "mine"]);
    expect(checks.repository?.evidence).toMatch(/^s3 bucket mine .*, changed by flags$/);
  });

  it("that is not there is looked for in three places", async () => {
    const { checks } = await outside();
    expect(checks.repository).toMatchObject({
      status: "warn",
      evidence:
        "none found in ConfigMap ci/artifact-repositories (not there), ConfigMap argo/workflow-controller-configmap (not there)",
    });
  });

  it("of a kind Skein has no driver for fails, with the way round", async () => {
    const { checks } = await outside({ objects: controller({ artifactRepository: "gcs: {bucket: b}" }) });
    expect(checks.repository).toMatchObject({
      status: "fail",
      fix: { say: expect.stringContaining("keep Argo's executor for workflows that use it") },
    });
  });
});

describe("secrets", () => {
  it("are read through the API where that is allowed, and never printed", async () => {
    const secret = { data: { access: btoa("canary-access-key"), secret: btoa("canary-secret-key") } };
    const names = ["--access-key-secret", "keys/access", "--secret-key-secret", "keys/secret"];
    const objects = { "/api/v1/namespaces/ci/secrets/keys": secret };
    const seen = await outside({ objects }, ["--bucket", "b", "--endpoint", "127.0.0.1:1", ...names]);
    expect(seen.checks["s3-credentials"]).toMatchObject({
      status: "ok",
      evidence: 'static keys of secret "keys"',
    });
    expect(seen.stdout).not.toMatch(/canary/);
  });

  it("without the key that is named say which keys there are", async () => {
    const objects = { "/api/v1/namespaces/ci/secrets/keys": { data: { accesskey: "", secretkey: "" } } };
    const names = ["--access-key-secret", "keys/access", "--secret-key-secret", "keys/secret"];
    const seen = await outside({ objects }, ["--bucket", "b", "--endpoint", "127.0.0.1:1", ...names]);
    expect(seen.checks["s3-credentials"]?.evidence).toBe(
      'the secret "keys" in ci has no key "access"; it has accesskey, secretkey',
    );
  });
});

describe("a clock", () => {
  it("that the API server does not share is a warning with the seconds", async () => {
    const { checks } = await outside({ clockOffsetMs: -90_000 });
    expect(checks.clock).toMatchObject({
      status: "warn",
      evidence: "the API server's is 90 s behind this one",
    });
  });
});

describe("a cluster", () => {
  it("whose kubeconfig names nobody who listens fails", async () => {
    const kubeconfig = JSON.stringify({
      "current-context": "c",
      clusters: [{ name: "k", cluster: { server: "http://127.0.0.1:1" } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    });
    const seen = await examine(["--json", "--kubeconfig", "ROOT/kubeconfig"], { files: { kubeconfig } });
    expect(seen.checks["api-server"]).toMatchObject({
      status: "fail",
      evidence: expect.stringContaining("ECONNREFUSED"),
      fix: { say: expect.stringMatching(/\S/) },
    });
  });

  it("that a pod has no token for fails with what keeps it away", async () => {
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1" };
    const seen = await examine(["--json"], { env });
    expect(seen.checks["api-server"]).toMatchObject({
      status: "fail",
      fix: { say: expect.stringContaining("automountServiceAccountToken") },
    });
  });

  it("that does not take the kubeconfig's credentials says how to see that it does", async () => {
    const { checks } = await outside({ isAuthenticated: false });
    expect(checks["api-server"]).toMatchObject({ status: "fail", fix: { copy: ["kubectl auth whoami"] } });
  });

  it("or a bucket has to be named, else there is nothing to look at", async () => {
    const seen = await examine([]);
    expect([seen.exitCode, seen.stdout]).toEqual([2, ""]);
    expect(seen.stderr).toMatch(/^skein doctor: nothing to look at: .*--help\n$/);
  });
});

describe("a template", () => {
  it("that is none ends the command with 2 and its name", async () => {
    const seen = await examine([], { env: podEnvironment({}, { ARGO_TEMPLATE: "{" }) });
    expect([seen.exitCode, seen.stderr]).toEqual([
      2,
      expect.stringContaining("the environment variable ARGO_TEMPLATE"),
    ]);
  });
});

describe("a file of --repository", () => {
  it("that is not there is named, and everything about the store is left", async () => {
    const { checks } = await outside({}, ["--repository", "ROOT/nope.yaml"]);
    expect(checks.repository).toMatchObject({
      status: "fail",
      evidence: expect.stringContaining("nope.yaml"),
    });
    expect(checks["s3-list"]?.reason).toBe("repository comes first");
  });
});
