import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { newPod, TRACE_ID, UID } from "./testing/objects.ts";
import { turnTracingOn } from "./trace-on.ts";

const options = { level: "files", source: "wf.yaml" } as const;

describe("turnTracingOn", () => {
  it("sets the default of all templates and leaves everything else as it was written", () => {
    const text = [
      "# what it is for",
      "apiVersion: argoproj.io/v1alpha1",
      "kind: Workflow",
      "metadata:",
      "  generateName: hello-",
      "spec:",
      "  entrypoint: main # first",
      "  templates:",
      "    - name: main",
      "      container: { image: busybox, command: [ 'true' ] }",
      "",
    ].join("\n");
    const traced = turnTracingOn(text, options);
    expect(traced).toContain("# what it is for");
    expect(traced).toContain("entrypoint: main # first");
    expect(parse(traced)).toEqual({
      ...parse(text),
      spec: {
        ...parse(text).spec,
        templateDefaults: { metadata: { annotations: { "skein.dev/trace": "files" } } },
      },
    });
    expect(turnTracingOn(traced, options)).toBe(traced);
  });

  it("keeps other defaults, and overrules templates that name a level themselves", () => {
    const traced = turnTracingOn(
      [
        "kind: WorkflowTemplate",
        "spec:",
        "  templateDefaults:",
        "    metadata:",
        "    container: {image: a}",
        "  templates:",
        "  - {name: a, metadata: {annotations: {skein.dev/trace: 'off', keep: me}}}",
        "  - {name: b}",
      ].join("\n"),
      { ...options, level: "artifacts" },
    );
    expect(parse(traced).spec).toEqual({
      templateDefaults: {
        metadata: { annotations: { "skein.dev/trace": "artifacts" } },
        container: { image: "a" },
      },
      templates: [
        { name: "a", metadata: { annotations: { "skein.dev/trace": "artifacts", keep: "me" } } },
        { name: "b" },
      ],
    });
  });

  it("knows where a CronWorkflow has its workflow, and passes other documents through", () => {
    const traced = turnTracingOn(
      "kind: CronWorkflow\nspec:\n  schedule: '* * * * *'\n---\nkind: ConfigMap\ndata: {a: b}\n",
      options,
    );
    const [cron, other] = traced.split("---\n");
    expect(parse(cron ?? "").spec.workflowSpec.templateDefaults.metadata.annotations).toEqual({
      "skein.dev/trace": "files",
    });
    expect(parse(other ?? "")).toEqual({ kind: "ConfigMap", data: { a: "b" } });
  });

  it("makes of a workflow that has run one to be run again, linked to the first run's trace", () => {
    const text = [
      "apiVersion: argoproj.io/v1alpha1",
      "kind: Workflow",
      "metadata:",
      "  name: hello-x7k2p",
      `  uid: ${UID}`,
      "  resourceVersion: '7'",
      "  creationTimestamp: 2026-01-01T12:00:00Z",
      "  managedFields: [{}]",
      "  finalizers: [workflows.argoproj.io/artifact-gc]",
      "  labels: {team: a, workflows.argoproj.io/completed: 'true', workflows.argoproj.io/phase: Failed}",
      "spec: {entrypoint: main, templates: []}",
      "status: {phase: Failed, startedAt: 2026-01-01T12:00:00Z}",
    ].join("\n");
    const again = parse(turnTracingOn(text, options));
    const link = again.metadata.annotations["skein.dev/trace-link"];
    expect(link).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    expect(again).toEqual({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Workflow",
      metadata: {
        generateName: "hello-",
        labels: { team: "a", "workflows.argoproj.io/resubmitted-from-workflow": "hello-x7k2p" },
        annotations: { "skein.dev/trace-link": link },
      },
      spec: {
        entrypoint: "main",
        templates: [],
        templateDefaults: {
          metadata: { annotations: { "skein.dev/trace": "files", "skein.dev/trace-link": link } },
        },
      },
    });
  });

  it("takes the first run's trace from the pods when they tell", () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const text = `kind: Workflow\nmetadata: {name: wf, uid: ${UID}}\nspec: {}\nstatus: {startedAt: 2026-01-01T12:00:00Z}\n`;
    const again = parse(turnTracingOn(text, { ...options, pods: [newPod("wf-1", 1, { traceId })] }));
    expect(again.metadata.annotations["skein.dev/trace-link"]).toContain(traceId);
  });

  it("takes a list apart, as kubectl prints it, for the workflows in it", () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const finished = { name: "wf", uid: UID, resourceVersion: "7" };
    const status = { startedAt: "2026-01-01T12:00:00Z" };
    const list = (...items: unknown[]) => ({ apiVersion: "v1", kind: "List", items });
    const workflow = { kind: "Workflow", metadata: finished, spec: { entrypoint: "main" }, status };
    const made = newPod("wf-1", 1, { traceId });
    const pod = { ...made, kind: "Pod", metadata: { ...made.metadata, uid: "1" } };
    const template = { kind: "WorkflowTemplate", metadata: { name: "t", uid: "2" }, spec: { templates: [] } };
    const configMap = { kind: "ConfigMap", metadata: { name: "c" } };

    const one = JSON.parse(turnTracingOn(JSON.stringify(list(workflow, pod)), options));
    expect(one.metadata.annotations["skein.dev/trace-link"]).toContain(traceId);
    expect(one.metadata).toMatchObject({ generateName: "wf-" });
    const text = turnTracingOn(stringify(list(workflow, pod, template, configMap)), options);
    const all = parseAllDocuments(text).map((document) => document.toJS());
    expect(all.map(({ kind }) => kind)).toEqual(["Workflow", "WorkflowTemplate", "ConfigMap"]);
    expect(all[1].spec.templateDefaults.metadata.annotations["skein.dev/trace"]).toBe("files");
  });

  it.each([
    ["a list without a workflow", "kind: List\nitems: [{kind: Pod}]", /^wf\.yaml holds no Workflow/],
    ["a text that is no YAML", "a: [", /^wf\.yaml: /],
    ["a file without a workflow", "kind: Pod", /^wf\.yaml holds no Workflow/],
    [
      "a workflow that waits in the cluster",
      `kind: Workflow\nmetadata: {name: wf, uid: ${UID}}`,
      /workflow wf is in the cluster but has not run/,
    ],
  ])("refuses %s", (_what, text, complaint) => {
    expect(() => turnTracingOn(text, options)).toThrow(complaint);
  });

  it("gives a run again its first generateName, or its whole name, and not what stopped it", () => {
    const run = (metadata: object, spec: object) => {
      const workflow = {
        kind: "Workflow",
        metadata: { ...metadata, uid: UID },
        spec,
        status: { startedAt: "2026-01-01T00:00:00Z" },
      };
      return JSON.parse(turnTracingOn(JSON.stringify(workflow), options));
    };
    const stopped = run({ name: "release" }, { shutdown: "Stop", activeDeadlineSeconds: 0 });
    expect(stopped.metadata).toMatchObject({ generateName: "release-" });
    expect(Object.keys(stopped.spec)).toEqual(["templateDefaults"]);
    const generated = run({ name: "a-build-x7k2p", generateName: "a-build-" }, { activeDeadlineSeconds: 9 });
    expect(generated.metadata).toMatchObject({ generateName: "a-build-" });
    expect(generated.spec).toMatchObject({ activeDeadlineSeconds: 9 });
  });

  it("answers JSON with JSON: what begins with a brace kubectl reads as nothing else", () => {
    const text = JSON.stringify({ kind: "Workflow", spec: { entrypoint: "main" } });
    expect(JSON.parse(turnTracingOn(text, options))).toMatchObject({
      spec: { entrypoint: "main", templateDefaults: {} },
    });
  });

  it("loses nothing that is there by an alias or a merge key", () => {
    const traced = turnTracingOn(
      [
        "kind: Workflow",
        "x-defaults: &defaults",
        "  metadata: { annotations: { owner: me } }",
        "  timeout: 5m",
        "x-quiet: &quiet",
        "  annotations: { skein.dev/trace: off, team: x }",
        "spec:",
        "  podMetadata: &pods { labels: { team: x } }",
        "  templateDefaults:",
        "    <<: *defaults",
        "  templates:",
        "    - { name: quiet, metadata: *quiet }",
        "    - { name: main, metadata: *pods }",
        "---",
        "kind: WorkflowTemplate",
        "x-pods: &pods { labels: &labels { team: y, isOurs: 'yes' } }",
        "spec:",
        "  templateDefaults:",
        "    metadata: *pods",
        "  templates: []",
        "",
      ].join("\n"),
      options,
    );
    const [workflow, template] = parseAllDocuments(traced, { merge: true }).map((document) =>
      document.toJS(),
    );
    expect(workflow.spec).toMatchObject({
      podMetadata: { labels: { team: "x" } },
      templateDefaults: {
        timeout: "5m",
        metadata: { annotations: { owner: "me", "skein.dev/trace": "files" } },
      },
      templates: [
        { name: "quiet", metadata: { annotations: { team: "x", "skein.dev/trace": "files" } } },
        { name: "main", metadata: { labels: { team: "x" } } },
      ],
    });
    expect(template.spec.templateDefaults.metadata).toEqual({
      labels: { team: "y", isOurs: "yes" },
      annotations: { "skein.dev/trace": "files" },
    });
    expect(traced.match(/isOurs: 'yes'/g)).toHaveLength(2);
    expect(traced.match(/&labels/g)).toHaveLength(1);
  });

  it("answers a list of several workflows in JSON with YAML, for JSON has no documents", () => {
    const items = ["a", "b"].map((name) => ({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Workflow",
      metadata: { generateName: `${name}-`, labels: { quiet: "off" } },
      spec: { entrypoint: "main" },
    }));
    const traced = turnTracingOn(JSON.stringify({ kind: "List", apiVersion: "v1", items }), options);
    expect(traced).not.toMatch(/^\{/m);
    expect(parseAllDocuments(traced, { version: "1.1" }).map((document) => document.toJS())).toEqual(
      items.map((item) => ({
        ...item,
        spec: {
          ...item.spec,
          templateDefaults: { metadata: { annotations: { "skein.dev/trace": "files" } } },
        },
      })),
    );
  });

  it("names an alias without an anchor", () => {
    const text = "kind: Workflow\nspec:\n  templates:\n    - *nothing\n";
    expect(() => turnTracingOn(text, options)).toThrow("wf.yaml: *nothing has no anchor &nothing before it");
  });
});
