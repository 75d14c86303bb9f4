import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startS3Server } from "../support/s3-server.ts";
import { runSkein, type SkeinRun, startSkein, WORKFLOW_TIMEOUT_MS } from "./run-skein.ts";

/** A workflow of these templates, the first of which is where it begins. */
function workflow(templates: string, spec = ""): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  ${spec}
  templates:
${templates.replace(/^/gm, "    ")}
`;
}

function messages({ summary }: SkeinRun): Record<string, string> {
  return Object.fromEntries(summary.nodes.map((node) => [node.name, `${node.phase} ${node.message}`.trim()]));
}

describe("skein run", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("keeps pods apart: two that write /tmp/x at the same time do not meet", async () => {
    const run = await runSkein(
      workflow(`- name: main
  steps: [[{name: a, template: t, arguments: {parameters: [{name: w, value: aa}]}}, {name: b, template: t, arguments: {parameters: [{name: w, value: bb}]}}]]
- name: t
  inputs: {parameters: [{name: w}]}
  outputs: {parameters: [{name: x, valueFrom: {path: /tmp/x}}]}
  script: {command: [sh, -e], source: "echo {{inputs.parameters.w}} >> /tmp/x; sleep 0.3; cat /tmp/x"}`),
    );
    expect(run.exitCode, run.stderr).toBe(0);
    const values = run.summary.nodes.flatMap((node) => node.outputs.parameters?.map((p) => p.value) ?? []);
    expect(values).toEqual(["aa", "bb"]);
  });

  it("says in the log of wait which Node.js it is: docs/install.md tells Skein from another executor by that", async () => {
    const run = await runSkein(workflow(`- {name: main, container: {command: ["true"]}}`));
    expect(run.exitCode, run.stderr).toBe(0);
    const logs = [...run.files].filter(([file]) => file.endsWith("/wait.log"));
    expect(logs).toHaveLength(1);
    expect(logs[0]?.[1]).toMatch(/msg="Starting Workflow Executor" .*nodeVersion=v\d+/);
  });

  it("gives the executor what --executor-env says, as the controller's executor.env would, and the step nothing of it", async () => {
    const run = await runSkein(
      workflow(`- {name: main, script: {command: [sh], source: "echo level=$SKEIN_TRACE"}}`),
      ["--executor-env", "SKEIN_TRACE=off"],
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.spans.filter(({ service }) => service === "argoexec")).toEqual([]);
    expect(run.spans.some(({ name }) => name === "workflow")).toBe(true);
    const main = [...run.files].find(([file]) => file.endsWith("/main.log"));
    expect(main?.[1]).toContain("level=\n");
  });

  it("ends with 1 when a step fails, says why, and omits what depends on it", async () => {
    const run = await runSkein(
      workflow(`- name: main
  dag: {tasks: [{name: bad, template: bad}, {name: after, template: bad, depends: bad}]}
- {name: bad, container: {command: [sh, -c], args: ["echo the reason; exit 7"]}}`),
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run)).toEqual({
      wf: "Failed",
      "wf.bad": "Failed main: Error (exit code 7)",
      "wf.after": "Omitted omitted: depends condition not met",
    });
    expect(run.summary.nodes[1]?.outputs.exitCode).toBe("7");
    expect(run.stdout).toContain("  │ the reason\n");
    expect(run.stdout).not.toContain("argo=true");
  });

  it("calls it an error when the executor cannot do its part, with the executor's own words", async () => {
    const run = await runSkein(
      workflow(`- name: main
  dag: {failFast: false, tasks: [{name: load, template: load}, {name: save, template: save}]}
- {name: load, inputs: {artifacts: [{name: a, path: /a, s3: {key: no/such/key}}]}, container: {command: ["true"]}}
- {name: save, outputs: {artifacts: [{name: a, path: /no/such/file}]}, container: {command: ["true"]}}`),
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run)["wf.load"]).toMatch(
      /^Error init: Error \(exit code 64\): artifact a failed to load: /,
    );
    expect(messages(run)["wf.save"]).toMatch(
      /^Error wait: Error \(exit code 64\): .*no such file or directory/,
    );
    const failed = run.spans.find((span) => span.name === "loadArtifact");
    expect([failed?.status?.code, failed?.attributes["error.type"]]).toEqual([2, "s3.no_such_key"]);
    expect(
      run.files.get(
        [...run.files.keys()].find((name) => name.includes("load") && name.endsWith("init.termination")) ??
          "",
      ),
    ).toMatch(/failed to load/);
  });

  it("refuses what it does not understand before it starts anything", async () => {
    const run = await runSkein(workflow("- {name: main, memoize: {key: a}, container: {command: [x]}}"));
    expect(run.exitCode).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(/workflow\.yaml:8:20: the lab does not understand "memoize" of a template\n$/);
    expect(existsSync(run.directory)).toBe(false);
  });

  it("stops a step at its deadline, the executor's way", async () => {
    const run = await runSkein(
      workflow(
        '- {name: main, activeDeadlineSeconds: 1, container: {command: [sh, -c], args: ["exec sleep 60"]}}',
      ),
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run).wf).toBe("Failed main: Error (exit code 143): Step exceeded its deadline");
    expect(run.files.get("wf/wait.termination")).toBe("Step exceeded its deadline");
  });

  it("gives secrets to the executor and the step, volumes to both, and shows no value in the output", async () => {
    const run = await runSkein(
      `${workflow(
        `- name: main
  inputs: {artifacts: [{name: in, path: /work/in, raw: {data: from the volume}}]}
  outputs: {artifacts: [{name: out, path: /work/out, optional: true}], parameters: [{name: p, valueFrom: {path: /work/p, default: none}}]}
  container:
    command: [sh, -ec]
    args: ["cat /work/in /token/key > /work/p; test $TOKEN = hunter2; mkdir /work/out; echo x > /work/out/f; ls -A /argo/secret 2>/dev/null || true"]
    workingDir: /work
    env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: key}}}]
    volumeMounts: [{name: work, mountPath: /work}, {name: token, mountPath: /token}]`,
        "volumes: [{name: work, emptyDir: {}}, {name: token, secret: {secretName: s}}]",
      )}---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {key: hunter2}
`,
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.summary.nodes[0]?.outputs.parameters?.[0]?.value).toBe("from the volumehunter2");
    expect(run.summary.nodes[0]?.outputs.artifacts?.[0]?.s3?.key).toBe("wf/wf/out.tgz");
    for (const [name, text] of run.files) expect(text, name).not.toContain("hunter2");
  });

  it("uses the S3 store it is given, leaves the objects there, and keeps its own files when asked", async () => {
    await using store = await startS3Server();
    const url = `http://${store.accessKey}:${store.secretKey}@${store.endpoint}/${store.bucket}`;
    const run = await runSkein(
      workflow(
        `- name: main
  outputs: {artifacts: [{name: out, path: /tmp/out, archive: {none: {}}}]}
  container: {command: [sh, -c], args: ["mkdir /tmp/out; echo 1 > /tmp/out/a; echo 2 > /tmp/out/b"]}`,
        "archiveLogs: true",
      ),
      ["--s3", url, "--keep"],
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(readdirSync(join(store.root, store.bucket, "wf/wf/out")).toSorted()).toEqual(["a", "b"]);
    expect(readFileSync(join(store.root, store.bucket, "wf/wf/main.log"), "utf8")).toBe("");
    expect(existsSync(join(run.directory, "lab/pods/wf/volumes/var-run-argo/template"))).toBe(true);
    expect(run.stdout + run.stderr).not.toContain(store.secretKey);
  });

  it("runs again over the output of an earlier run, and not over anything else", async () => {
    const text = workflow('- {name: main, container: {command: ["true"]}}');
    const first = await runSkein(text);
    const again = await runSkein(text, ["--out", first.directory]);
    expect(again.exitCode, again.stderr).toBe(0);
    const other = await runSkein(text, ["--out", join(first.directory, "pods")]);
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toMatch(/holds files that are not of an earlier run/);
  });

  it("stops the pods on Ctrl-C, collects what they have, and leaves no process", async () => {
    const skein = startSkein(
      workflow(`- name: main
  outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}
  container: {command: [sh, -c], args: ["trap 'echo stopped > /tmp/p; exit 3' TERM; echo ready; while :; do sleep 0.05; done"]}`),
    );
    await skein.logged("wf/main.log", "ready");
    skein.kill("SIGINT");
    const run = await skein.finished;
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("stopping the pods");
    expect(messages(run).wf).toBe("Failed main: Error (exit code 3)");
    expect(run.summary.nodes[0]?.outputs.parameters?.[0]?.value).toBe("stopped");
    expect(processesIn(run.directory)).toEqual([]);
  });

  it("kills the pods on a second Ctrl-C, and leaves neither processes nor its working files", async () => {
    const skein = startSkein(
      workflow(
        `- {name: main, container: {command: [sh, -c], args: ["trap 'echo told' TERM; echo ready; while :; do sleep 0.05; done"]}}`,
      ),
    );
    await skein.logged("wf/main.log", "ready");
    skein.kill("SIGINT");
    await skein.logged("wf/main.log", "told");
    skein.kill("SIGINT");
    const run = await skein.finished;
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("killing the pods");
    expect(messages(run).wf).toBe("Failed main: Error (exit code 137)");
    expect(existsSync(join(run.directory, "lab"))).toBe(false);
    expect(processesIn(run.directory)).toEqual([]);
  });

  it("takes the pods and the S3 server with it when it is killed", async () => {
    const skein = startSkein(
      workflow('- {name: main, container: {command: [sh, -c], args: ["echo ready; exec sleep 600"]}}'),
    );
    await skein.logged("wf/main.log", "ready");
    const directory = skein.directory;
    expect(processesIn(directory).join("\n")).toContain("versitygw");
    skein.kill("SIGKILL");
    await expect(skein.finished).rejects.toThrow(/ended by SIGKILL/);
    await expect.poll(() => processesIn(directory), { timeout: 10_000 }).toEqual([]);
  });

  it("says at once that it cannot write below /proc", async () => {
    const run = await runSkein(workflow('- {name: main, container: {command: ["true"]}}'), [
      "--out",
      "/proc/skein/out",
    ]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toMatch(/^cannot use \/proc\/skein\/out for the output: ENOENT/);
  });
});

describe("what skein run makes of a pod's containers", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("ends a set whose first container failed, shows each one's end and the log of those to blame", async () => {
    const run = await runSkein(
      workflow(`- name: main
  containerSet:
    containers:
      - {name: a, command: [sh, -c], args: ["echo the reason; exit 3"]}
      - {name: b, command: [echo, b], dependencies: [a]}
      - {name: slow, command: [sh, -c], args: ["exec sleep 60"]}`),
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run)).toEqual({
      wf: "Failed a: Error (exit code 3)",
      "wf.a": "Failed a: Error (exit code 3)",
      "wf.b": 'Error b: Error (exit code 64): dependency "a" exited with non-zero code: 3',
      "wf.slow": "Failed slow: Error (exit code 143)",
    });
    expect(run.stdout).toContain("pods/wf/a.log:\n  │ the reason\n\n");
    expect(run.stdout).not.toContain("pods/wf/slow.log"); // it had nothing to say
  });

  it("ends a sidecar that ignores SIGTERM after the pod's grace period, and does not mind how it ended", async () => {
    const began = performance.now();
    const run = await runSkein(
      workflow(`- name: main
  podSpecPatch: '{"terminationGracePeriodSeconds": 1}'
  container: {command: [sh, -c], args: ["while ! test -e /shared/up; do sleep 0.05; done"], volumeMounts: [{name: v, mountPath: /shared}]}
  volumes: [{name: v, emptyDir: {}}]
  sidecars: [{name: deaf, mirrorVolumeMounts: true, command: [sh, -c], args: ["trap '' TERM; touch /shared/up; while :; do sleep 0.1; done"]}]`),
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(messages(run)).toEqual({ wf: "Succeeded" });
    expect(performance.now() - began).toBeLessThan(25_000); // a cluster's usual grace period is 30 s
  });

  it("fails a pod whose sidecar broke", async () => {
    const run = await runSkein(
      workflow(`- name: main
  container: {command: [sh, -c], args: ["until test -e /var/run/argo/ctr/broken/exitcode; do sleep 0.05; done"]}
  sidecars: [{name: broken, command: [sh, -c], args: ["echo no port; exit 5"]}]`),
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run)).toEqual({ wf: "Failed broken: Error (exit code 5)" });
    expect(run.stdout).toContain("  │ no port\n");
  });

  it("keeps the files of every attempt, and shows the log of the last one only", async () => {
    const run = await runSkein(
      workflow(
        '- {name: main, retryStrategy: {limit: 1}, container: {command: [sh, -c], args: ["echo this is {{retries}}; exit 4"]}}',
      ),
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run)).toEqual({
      wf: "Failed No more retries left",
      "wf(0)": "Failed main: Error (exit code 4)",
      "wf(1)": "Failed main: Error (exit code 4)",
    });
    const logs = [...run.files].filter(([name]) => name.endsWith("/main.log")).map(([, text]) => text);
    expect(logs.toSorted()).toEqual([
      expect.stringContaining("this is 0\n"),
      expect.stringContaining("this is 1\n"),
    ]);
    expect(run.stdout).toContain("  │ this is 1\n");
    expect(run.stdout).not.toContain("  │ this is 0\n");
  });

  it("runs pods without an init container", async () => {
    const run = await runSkein(
      workflow(`- name: main
  inputs: {artifacts: [{name: in, path: /in/text, raw: {data: woven}}]}
  outputs: {parameters: [{name: out, valueFrom: {path: /tmp/out}}], artifacts: [{name: art, path: /tmp/out}]}
  script: {command: [sh, -eu], source: "cp /in/text /tmp/out; echo $ARGO_WAIT_FOR_READY"}
  sidecars: [{name: beside, command: [sleep, "60"]}]`),
      ["--initless"],
    );
    expect(run.exitCode, run.stderr).toBe(0);
    const { outputs } = run.summary.nodes[0] ?? {};
    expect(outputs?.parameters?.[0]?.value).toBe("woven");
    expect(outputs?.artifacts?.[0]?.s3?.key).toBe("wf/wf/art.tgz");
    expect(run.files.get("wf/main.log")).toMatch(/^true$/m);
    expect([...run.files.keys()].filter((name) => name.endsWith(".log")).toSorted()).toEqual([
      "wf/beside.log",
      "wf/main.log",
      "wf/supervisor.log",
    ]);
  });

  it("shows the supervisor's own words when the inputs of an init-less pod could not be loaded", async () => {
    const run = await runSkein(
      workflow(
        '- {name: main, inputs: {artifacts: [{name: a, path: /a, s3: {key: no/such/key}}]}, container: {command: ["true"]}}',
      ),
      ["--initless"],
    );
    expect(run.exitCode).toBe(1);
    expect(messages(run).wf).toMatch(/^Error supervisor: Error \(exit code 64\): .*a failed to load/);
    expect(run.summary.nodes[0]?.outputs.exitCode).toBe("65");
  });
});

/** Command lines of processes that mention a directory. */
function processesIn(directory: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(directory) ? [command] : [];
      } catch {
        return []; // ended while we looked
      }
    });
}
