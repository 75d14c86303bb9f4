import { describe, expect, it } from "vitest";
import { WorkflowFileError } from "../errors.ts";
import { parseWorkflowFile } from "./parse-workflow-file.ts";
import { planWorkflow } from "./plan-workflow.ts";

/** What is refused of a workflow with the fields of one template, which begin at line 7. */
function refusals(fields: string): string[] {
  const text = `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - {name: main, ${fields}}
`;
  try {
    planWorkflow(parseWorkflowFile("wf.yaml", text));
  } catch (error) {
    if (error instanceof WorkflowFileError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const MAIN = "container: {command: [x]}";
const member = (name: string, more = ""): string => `{name: ${name}, command: [x]${more}}`;
const set = (...members: string[]): string => `containerSet: {containers: [${members.join(", ")}]}`;

describe("the containers of a template", () => {
  it("may be many", () => {
    const extras = `sidecars: [${member("web", ", mirrorVolumeMounts: true")}], initContainers: [${member("prepare")}]`;
    expect(refusals(`${MAIN}, ${extras}`)).toEqual([]);
    expect(refusals(`${set(member("a"), member("main", ", dependencies: [a]"))}, ${extras}`)).toEqual([]);
  });

  it.each([
    [
      "a sidecar without a command",
      `${MAIN}, sidecars: [{name: web, image: nginx}]`,
      "wf.yaml:7:56: needs a command: the lab has no image to read an entrypoint from",
    ],
    [
      "a sidecar called main",
      `${MAIN}, sidecars: [${member("main")}]`,
      'wf.yaml:7:56: a second container called "main"',
    ],
    [
      "a name of Argo's own",
      `${MAIN}, sidecars: [${member("supervisor")}]`,
      '"supervisor" is a container of Argo\'s own',
    ],
    ["a name that is none", set(member("Main")), '"Main" cannot be a container\'s name'],
    ["two members of one name", set(member("a"), member("a")), 'a second container called "a"'],
    ["an empty set", set(), "a containerSet needs containers"],
    [
      "a member that waits for nobody",
      set(member("a", ", dependencies: [b]")),
      'container "a" depends on "b", which does not exist',
    ],
    [
      "members that wait for each other",
      set(member("a", ", dependencies: [b]"), member("b", ", dependencies: [a]")),
      "the containers wait for each other in a circle: a → b → a",
    ],
    [
      "outputs that no main can leave",
      `${set(member("a"))}, outputs: {parameters: [{name: p, valueFrom: {path: /p}}]}`,
      'a containerSet with inputs or outputs needs a container called "main"',
    ],
    [
      "a mount of a volume that is not there, anywhere",
      `${MAIN}, sidecars: [${member("web", ", volumeMounts: [{name: v, mountPath: /v}]")}]`,
      'there is no volume called "v"',
    ],
    [
      "a duration that is none",
      "containerSet: {retryStrategy: {retries: 2, duration: soon}, containers: [{name: a, command: [x]}]}",
      'must be a duration such as "5s", not "soon"',
    ],
    [
      "sidecars of something that is no pod",
      `steps: [], sidecars: [${member("web")}]`,
      "only a template that is a pod can have it",
    ],
    [
      "other patches of the pod",
      `${MAIN}, podSpecPatch: '{"hostNetwork": true}'`,
      'the lab does not understand "hostNetwork" of a podSpecPatch; only "terminationGracePeriodSeconds"',
    ],
  ])("may not be %s", (_what, fields, refusal) => {
    expect(refusals(fields).join("\n")).toContain(refusal);
  });
});

describe("a retryStrategy", () => {
  it.each([
    ["a limit that is no number", "{limit: often}", 'wf.yaml:7:61: must be a whole number, not "often"'],
    [
      "an unknown policy",
      "{retryPolicy: Sometimes}",
      'wf.yaml:7:61: must be one of Always, OnFailure, OnError, OnTransientError, not "Sometimes"',
    ],
    ["a backoff without a duration", "{backoff: {factor: 2}}", 'backoff needs "duration"'],
    [
      "a duration that is none",
      "{backoff: {duration: soon}}",
      'must be a duration such as "10s" or "1m", not "soon"',
    ],
    [
      "an expression",
      "{expression: 'true'}",
      'wf.yaml:7:61: the lab does not understand "expression" of retryStrategy',
    ],
  ])("may not have %s", (_what, strategy, refusal) => {
    expect(refusals(`${MAIN}, retryStrategy: ${strategy}`)).toEqual([expect.stringContaining(refusal)]);
  });

  it("gives {{retries}} a value, which nothing else does", () => {
    const text = 'container: {command: [echo, "{{retries}}", "{{lastRetry.message}}"]}';
    expect(refusals(`${text}, retryStrategy: {limit: 1, backoff: {duration: 5}}`)).toEqual([]);
    expect(refusals(text)).toHaveLength(2);
  });
});
