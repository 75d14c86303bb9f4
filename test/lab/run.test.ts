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
