import { describe, expect, it } from "vitest";
import { WorkflowFileError } from "../errors.ts";
import { parseWorkflowFile } from "./parse-workflow-file.ts";
import { planWorkflow } from "./plan-workflow.ts";
import type { WorkflowPlan } from "./types.ts";

function plan(text: string, given: Record<string, string> = {}): WorkflowPlan {
  return planWorkflow(parseWorkflowFile("wf.yaml", text), new Map(Object.entries(given)));
}

function refusals(text: string, given: Record<string, string> = {}): string[] {
  try {
    plan(text, given);
  } catch (error) {
    if (error instanceof WorkflowFileError) return error.message.split("\n");
    throw error;
  }
  return [];
}

/** A workflow whose templates start at line 6. */
function workflow(templates: string, spec = "{}"): string {
  return `kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
${templates.replace(/^/gm, "    ")}
  ${spec === "{}" ? "" : spec}
apiVersion: argoproj.io/v1alpha1
`;
}

const ECHO = `- name: echo
  inputs: {parameters: [{name: text}]}
  outputs: {parameters: [{name: out, valueFrom: {path: /out}}], artifacts: [{name: art, path: /art}]}
  container: {command: [echo], args: ["{{inputs.parameters.text}}"]}
`;

function call(name: string, text: string, more = ""): string {
  return `{name: ${name}, template: echo, arguments: {parameters: [{name: text, value: "${text}"}]}${more}}`;
}

describe("planWorkflow", () => {
  it("refuses names and paths that would lead out of the run's directory", () => {
    const text = workflow(
      `- {name: main, container: {command: [x], volumeMounts: [{name: v, mountPath: /v, subPath: ../../x}]}}
- {name: ../../esc, container: {command: [x]}}`,
      "volumes: [{name: ../vol, emptyDir: {}}, {name: v, emptyDir: {}}]",
    );
    const said = refusals(text).join("\n");
    for (const name of [
      '"../../x" leads out',
      '"../../esc" cannot be a template',
      '"../vol" cannot be a volume',
    ]) {
      expect(said).toContain(name);
    }
  });

  it("puts parameters of the command line over those of the file", () => {
    const text = workflow(
      `- {name: main, container: {command: [echo, "{{workflow.parameters.a}}"]}}`,
      "arguments: {parameters: [{name: a, value: x}]}",
    );
    expect(plan(text, { a: "y" }).workflow.spec.arguments?.parameters).toEqual([{ name: "a", value: "y" }]);
    expect(refusals(text, { b: "y" })).toEqual(['wf.yaml:7:3: the workflow has no parameter "b"; it has a']);
  });

  it("wants a value for every parameter, and one of those allowed", () => {
    const text = workflow(
      "- {name: main, container: {command: [x]}}",
      "arguments: {parameters: [{name: a, enum: [x, y]}]}",
    );
    expect(refusals(text)).toEqual(['wf.yaml:7:28: parameter "a" needs a value; give it one with -p a=…']);
    expect(refusals(text, { a: "z" })).toEqual(['wf.yaml:7:28: parameter "a" must be one of x, y, not "z"']);
  });

  it("merges templateDefaults under each template, lists of named things by name, others whole", () => {
    const text = workflow(
      `- name: main
  metadata: {annotations: {mine: "1"}}
  container: {command: [x], env: [{name: A, value: own}]}
- {name: other, dag: {tasks: [{name: t, template: main}]}}`,
      "templateDefaults: {metadata: {annotations: {skein.dev/trace: files}}, container: {command: [y, z], env: [{name: A, value: a}, {name: B, value: b}]}}",
    );
    const { templates } = plan(text);
    expect(templates.get("main")).toMatchObject({
      metadata: { annotations: { mine: "1", "skein.dev/trace": "files" } },
      container: {
        command: ["x"],
        env: [
          { name: "A", value: "own" },
          { name: "B", value: "b" },
        ],
      },
    });
    expect(templates.get("other")).not.toHaveProperty("container");
  });

  it("reads the artifact repository from a ConfigMap of the same file", () => {
    const text = `${workflow("- {name: main, container: {command: [x]}}", "artifactRepositoryRef: {configMap: repos, key: v1}")}---
apiVersion: v1
kind: ConfigMap
metadata: {name: repos}
data:
  v1: |
    archiveLogs: true
    s3: {endpoint: "minio:9000", bucket: b, insecure: true, keyFormat: "x/{{pod.name}}"}
`;
    expect(plan(text).repository).toEqual({
      archiveLogs: true,
      s3: { endpoint: "minio:9000", bucket: "b", insecure: true, keyFormat: "x/{{pod.name}}" },
    });
    expect(refusals(text.replace("key: v1", "key: v2"))[0]).toContain(
      'there is no ConfigMap "repos" with a key "v2"',
    );
  });
});

describe("what planWorkflow refuses", () => {
  it.each([
    [
      "an unknown entrypoint",
      workflow("- {name: other, container: {command: [x]}}"),
      'wf.yaml:4:3: there is no template called "main"',
    ],
    [
      "a container without a command",
      workflow("- {name: main, container: {image: x}}"),
      "wf.yaml:6:20: needs a command: the lab has no image to read an entrypoint from",
    ],
    [
      "a template of no type",
      workflow("- {name: main}"),
      'wf.yaml:6:7: template "main" must have one of container, containerSet, script, steps and dag; it has none of them',
    ],
    [
      "two templates of one name",
      workflow("- {name: main, container: {command: [x]}}\n- {name: main, container: {command: [x]}}"),
      'wf.yaml:7:7: a second template called "main"',
    ],
    [
      "a step that calls nothing",
      workflow("- {name: main, steps: [[{name: a, template: b}]]}"),
      'wf.yaml:6:39: there is no template called "b"',
    ],
    [
      "templates that call each other",
      workflow(
        "- {name: main, steps: [[{name: a, template: b}]]}\n- {name: b, dag: {tasks: [{name: c, template: main}]}}",
      ),
      "wf.yaml:6:7: templates that use each other never end: main → b → main",
    ],
    [
      "a task that waits for nobody",
      workflow(`- {name: main, dag: {tasks: [${call("a", "x", ", depends: z")}]}}\n${ECHO}`),
      'task "a" depends on "z", which does not exist',
    ],
    [
      "tasks that wait for each other",
      workflow(
        `- {name: main, dag: {tasks: [${call("a", "x", ", depends: b")}, ${call("b", "x", ", dependencies: [a]")}]}}\n${ECHO}`,
      ),
      "the tasks wait for each other in a circle: a → b → a",
    ],
    [
      "conditions in depends",
      workflow(
        `- {name: main, dag: {tasks: [${call("a", "x")}, ${call("b", "x", ", depends: 'a.Failed || a'")}]}}\n${ECHO}`,
      ),
      'the lab understands "depends" with names joined by &&, not "a.Failed || a"',
    ],
    [
      "two steps of one name",
      workflow(`- {name: main, steps: [[${call("a", "x")}], [${call("a", "x")}]]}\n${ECHO}`),
      'a second step called "a"',
    ],
    [
      "a parameter nobody gives",
      workflow(`- {name: main, steps: [[{name: a, template: echo}]]}\n${ECHO}`),
      'wf.yaml:6:29: template "echo" wants the parameter "text"',
    ],
    [
      "an artifact nobody gives",
      workflow("- {name: main, inputs: {artifacts: [{name: a, path: /a}]}, container: {command: [x]}}"),
      'wf.yaml:4:3: template "main" wants the artifact "a"; the workflow\'s arguments do not have it',
    ],
    [
      "a tag without a value",
      workflow(`- {name: main, container: {command: [echo, "{{inputs.parameters.x}}"]}}`),
      "wf.yaml:6:48: nothing gives {{inputs.parameters.x}} a value here",
    ],
    [
      "an expression",
      workflow(`- {name: main, container: {command: [echo, "{{=1 + 1}}"]}}`),
      "wf.yaml:6:48: the lab does not understand expressions: {{=1 + 1}}",
    ],
    [
      "the result of a step that comes later",
      workflow(
        `- {name: main, steps: [[${call("a", "{{steps.b.outputs.result}}")}], [${call("b", "x")}]]}\n${ECHO}`,
      ),
      "nothing gives {{steps.b.outputs.result}} a value here",
    ],
    [
      "the result of a task that is not waited for",
      workflow(
        `- {name: main, dag: {tasks: [${call("a", "x")}, ${call("b", "{{tasks.a.outputs.result}}")}]}}\n${ECHO}`,
      ),
      "nothing gives {{tasks.a.outputs.result}} a value here",
    ],
    [
      "an output no step has",
      workflow(
        `- {name: main, steps: [[${call("a", "x")}], [${call("b", "{{steps.a.outputs.parameters.nope}}")}]]}\n${ECHO}`,
      ),
      "nothing gives {{steps.a.outputs.parameters.nope}} a value here",
    ],
    [
      "a secret that is not there",
      workflow(
        "- {name: main, inputs: {artifacts: [{name: a, path: /a, git: {repo: r, usernameSecret: {name: s, key: k}}}]}, container: {command: [x]}}",
      ),
      'there is no Secret "s" in this file; add it as a document of its own',
    ],
    [
      "a volume that is not there",
      workflow("- {name: main, container: {command: [x], volumeMounts: [{name: v, mountPath: /v}]}}"),
      'there is no volume called "v"',
    ],
    [
      "an artifact path that climbs",
      workflow(
        "- {name: main, outputs: {artifacts: [{name: a, path: /a/../../b}]}, container: {command: [x]}}",
      ),
      "attempted to use a path containing '..'",
    ],
    [
      "a name no object can have",
      workflow("- {name: main, container: {command: [x]}}").replace("name: wf", "name: My_WF"),
      'wf.yaml:2:1: "My_WF" cannot be a workflow\'s name',
    ],
    [
      "a deadline that is no number",
      workflow("- {name: main, activeDeadlineSeconds: soon, container: {command: [x]}}"),
      'must be a number of seconds, not "soon"',
    ],
  ])("%s", (_what, text, refusal) => {
    expect(refusals(text).join("\n")).toContain(refusal);
  });

  it("says everything at once, in the order of the file", () => {
    const text = workflow(
      `- {name: main, container: {image: x}}\n- {name: two, script: {source: "{{nope}}"}}`,
    );
    expect(refusals(text).map((line) => line.split(":")[1])).toEqual(["6", "7", "7"]);
  });
});

describe("what planWorkflow accepts", () => {
  it("results, parameters and artifacts of steps that come before", () => {
    const text = workflow(`- name: main
  steps:
    - - ${call("a", "x")}
    - - ${call("b", "{{steps.a.outputs.result}} {{steps.a.outputs.parameters.out}} {{steps.a.exitCode}}")}
      - name: c
        template: take
        arguments: {artifacts: [{name: in, from: "{{steps.a.outputs.artifacts.art}}"}]}
  outputs:
    parameters: [{name: r, valueFrom: {parameter: "{{steps.b.outputs.result}}"}}]
    artifacts: [{name: r, from: "{{steps.a.outputs.artifacts.art}}"}]
${ECHO}
- name: take
  inputs: {artifacts: [{name: in, path: /in}]}
  container: {command: [cat, "{{inputs.artifacts.in.path}}", "{{pod.name}}", "{{workflow.uid}}"]}`);
    expect(refusals(text)).toEqual([]);
  });

  it("results of tasks that are waited for through others", () => {
    const text = workflow(
      `- {name: main, dag: {tasks: [${call("a", "x")}, ${call("b", "x", ", depends: a")}, ${call("c", "{{tasks.a.outputs.result}}", ", depends: 'b && a'")}]}}\n${ECHO}`,
    );
    expect(refusals(text)).toEqual([]);
  });
});
