import { describe, expect, it } from "vitest";
import { WorkflowFileError } from "../errors.ts";
import { parseWorkflowFile } from "./parse-workflow-file.ts";

/** `line:column: message` of everything that is refused in a file. */
function refusals(text: string): string[] {
  try {
    parseWorkflowFile("wf.yaml", text);
  } catch (error) {
    if (error instanceof WorkflowFileError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const HELLO = `kind: Workflow
metadata: {name: hello}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: busybox, command: [echo], args: [hi]}
apiVersion: argoproj.io/v1alpha1
`;

describe("parseWorkflowFile", () => {
  it("reads a workflow and the secrets beside it", () => {
    const file = parseWorkflowFile(
      "wf.yaml",
      `${HELLO}---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: aGk=}\nstringData: {b: plain}\n`,
    );
    expect(file.workflow.spec.templates[0]?.container?.args).toEqual(["hi"]);
    expect(Buffer.from(file.secrets.get("s")?.get("a") ?? []).toString()).toBe("hi");
    expect(Buffer.from(file.secrets.get("s")?.get("b") ?? []).toString()).toBe("plain");
  });

  it("takes parameters that are numbers or booleans as text, the way Argo does", () => {
    const text = HELLO.replace(
      "entrypoint: main",
      "entrypoint: main\n  arguments: {parameters: [{name: a, value: 1.50}, {name: b, value: true}, {name: c, value: 1e3}]}",
    );
    const values = parseWorkflowFile("wf.yaml", text).workflow.spec.arguments?.parameters?.map(
      (p) => p.value,
    );
    expect(values).toEqual(["1.5", "true", "1000"]);
  });

  it("takes an empty field for an absent one", () => {
    const text = HELLO.replace(
      "    - name: main\n",
      "    - name: main\n      inputs:\n      outputs: {parameters: }\n",
    );
    const [template] = parseWorkflowFile("wf.yaml", text).workflow.spec.templates;
    expect(template).toMatchObject({ name: "main", outputs: {} });
    expect(template).not.toHaveProperty("inputs");
  });

  it("understands anchors and merge keys", () => {
    const text = HELLO.replace(
      "{image: busybox, command: [echo], args: [hi]}",
      "&c {image: busybox, command: [echo], args: [hi]}\n    - name: two\n      container:\n        <<: *c\n        args: [ho]",
    );
    expect(parseWorkflowFile("wf.yaml", text).workflow.spec.templates[1]?.container).toMatchObject({
      command: ["echo"],
      args: ["ho"],
    });
  });

  it("leaves out what only a scheduler looks at", () => {
    const text = HELLO.replace(
      "entrypoint: main",
      "entrypoint: main\n  podGC: {strategy: OnPodCompletion}\n  priority: 3",
    );
    expect(parseWorkflowFile("wf.yaml", text).workflow.spec).not.toHaveProperty("podGC");
  });

  it("names every field it does not understand, with its line and column", () => {
    const text = HELLO.replace(
      "    - name: main",
      "    - memoize: {key: 3}\n      name: main\n      daemon: true",
    );
    expect(refusals(text)).toEqual([
      'wf.yaml:6:7: the lab does not understand "memoize" of a template',
      'wf.yaml:8:7: the lab does not understand "daemon" of a template',
    ]);
  });

  it.each([
    ["withItems", "steps: [[{name: a, template: main, withItems: [1]}]]"],
    ["when", "steps: [[{name: a, template: main, when: 'x == y'}]]"],
    ["onExit", "dag: {tasks: [{name: a, template: main, onExit: main}]}"],
    ["expression", 'retryStrategy: {limit: 3, expression: "true"}'],
    ["restartPolicy", "sidecars: [{name: x, image: y, restartPolicy: Always}]"],
    ["securityContext", "container: {command: [a], securityContext: {runAsUser: 1}}"],
    ["livenessProbe", "container: {command: [a], livenessProbe: {}}"],
    ["gcs", "inputs: {artifacts: [{name: a, path: /a, gcs: {key: x}}]}"],
    ["globalName", "outputs: {artifacts: [{name: a, path: /a, globalName: g}]}"],
    ["resource", "resource: {action: get}"],
    ["suspend", "suspend: {}"],
  ])("refuses %s, which would change what a workflow does", (field, template) => {
    const text = HELLO.replace(/ {6}container: .*/, `      ${template}`);
    expect(refusals(text).join("\n")).toContain(`the lab does not understand "${field}"`);
  });

  it("says where a value has the wrong type, and that quotes would help", () => {
    expect(refusals(HELLO.replace("args: [hi]", "args: [8080]"))).toEqual([
      "wf.yaml:7:59: must be text, not the number 8080; put it in quotes",
    ]);
    expect(refusals(HELLO.replace("command: [echo]", "command: echo"))[0]).toMatch(
      /^wf\.yaml:7:35: must be a list/,
    );
  });

  it("refuses other kinds by name, with the way out", () => {
    expect(refusals(HELLO.replace("kind: Workflow", "kind: CronWorkflow"))).toEqual([
      "wf.yaml:1:1: the lab does not understand the kind CronWorkflow; make its workflowSpec the spec of a Workflow",
    ]);
    expect(refusals(`${HELLO}---\n${HELLO}`)).toEqual([
      "wf.yaml:10:1: a second Workflow; the lab runs one at a time",
    ]);
  });

  it.each([
    ["nothing", "", /^wf\.yaml:1:1: there is no Workflow in this file; expected a Workflow \(apiVersion: /],
    [
      "no kind",
      "metadata: {name: x}\n",
      /^wf\.yaml:1:1: not a Kubernetes object: it has no "kind"; expected a W/,
    ],
    [
      "a kind that is spelled otherwise",
      HELLO.replace("kind: Workflow", "kind: workflow"),
      /^wf\.yaml:1:1: the lab does not understand the kind workflow; expected a Workflow \(apiVersion: argoproj/,
    ],
    [
      "no apiVersion",
      HELLO.replace(/apiVersion.*\n/, ""),
      /^wf\.yaml:1:1: a Workflow needs "apiVersion: argoproj\.io\/v1alpha1"; it has none$/,
    ],
    [
      "another apiVersion",
      HELLO.replace("v1alpha1", "v1"),
      /^wf\.yaml:8:1: a Workflow needs "apiVersion: argoproj\.io\/v1alpha1"; not "argoproj\.io\/v1"$/,
    ],
    [
      "a Secret without one",
      `${HELLO}---\nkind: Secret\nmetadata: {name: s}\n`,
      /^wf\.yaml:10:1: a Secret needs "apiVersion: v1"; it has none$/,
    ],
  ])("says what is expected of a file with %s", (_what, text, complaint) => {
    expect(refusals(text)).toEqual([expect.stringMatching(complaint)]);
  });

  it("passes on what YAML itself complains about, duplicate fields included", () => {
    expect(refusals("kind: Workflow\nkind: Workflow\n")[0]).toMatch(/^wf\.yaml:2:1: Map keys must be unique/);
    expect(refusals("a: [1\n")[0]).toMatch(/^wf\.yaml:2:1: /);
  });

  it("refuses a secret that is not base64 rather than decode it to something else", () => {
    const [refusal] = refusals(
      `${HELLO}---\nkind: Secret\nmetadata: {name: s}\ndata:\n  token: not base64!\napiVersion: v1\n`,
    );
    expect(refusal).toBe('wf.yaml:13:3: "token" is not base64; plain text belongs in stringData');
  });
});
