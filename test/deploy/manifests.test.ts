import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";

const checkout = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(checkout, path), "utf8");

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** What an executor of container, script and containerSet templates needs (contract §14.4). */
const RULES: Rule[] = [
  { apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
];

function filesBelow(directory: string, pattern: RegExp): string[] {
  return readdirSync(join(checkout, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => pattern.test(path))
    .map((path) => join(directory, path));
}

/** The YAML blocks of a page. */
function blocks(page: string): string[] {
  return [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
}

interface ExecutorSettings {
  image: string;
  env?: { name: string; value: string }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
}

function executorSettings(path: string): ExecutorSettings {
  const { data } = parse(read(path)) as { data: { executor: string } };
  return parse(data.executor) as ExecutorSettings;
}

describe("deploy/", () => {
  it.each(filesBelow("deploy", /\.ya?ml$/).filter((path) => !path.includes("/templates/")))(
    "%s is YAML",
    (path) => {
      for (const document of parseAllDocuments(read(path))) expect(document.errors).toEqual([]);
    },
  );

  it("gives the same rights by kustomize, by the chart and in the documentation, and no others", () => {
    expect((parse(read("deploy/kustomize/base/role.yaml")) as { rules: Rule[] }).rules).toEqual(RULES);
    expect(parse(read("deploy/helm/skein/files/executor-rules.yaml"))).toEqual(RULES);
    const documented = blocks("docs/install.md")
      .map((block) => parse(block) as { rules?: Rule[] })
      .filter(({ rules }) => rules);
    expect(documented).toEqual([{ rules: RULES }]);
  });

  it("has an executor block that is YAML itself, with the image of this version, the same everywhere", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    const plain = executorSettings("deploy/kustomize/components/executor/controller-configmap-patch.yaml");
    const traced = executorSettings("deploy/kustomize/components/tracing/controller-configmap-patch.yaml");
    expect(plain.image).toBe(`ghcr.io/skein/argoexec:${version}`);
    expect(traced).toEqual({ ...plain, env: expect.any(Array) });
    const values = parse(read("deploy/helm/skein/values.yaml")) as {
      resources: unknown;
      image: { repository: string };
    };
    expect(values.resources).toEqual(plain.resources);
    expect(values.image.repository).toBe(plain.image.split(":")[0]);
    const chart = parse(read("deploy/helm/skein/Chart.yaml")) as { appVersion: string; version: string };
    expect([chart.appVersion, chart.version]).toEqual([version, version]);
    const documented = blocks("docs/install.md").find((block) => block.includes("kind: ConfigMap"));
    const { data } = parse(documented ?? "") as { data: { executor: string } };
    expect(parse(data.executor)).toEqual(plain);
  });

  it("names variables only that are documented or OpenTelemetry's", () => {
    const configuration = read("docs/configuration.md") + read("docs/tracing.md");
    for (const path of filesBelow("deploy", /\.(ya?ml|tpl|md)$/)) {
      for (const [, name = ""] of read(path).matchAll(/\b((?:SKEIN|ARGO|OTEL)_[A-Z0-9_]+)\b/g)) {
        expect(configuration, `${name} in ${path}`).toContain(name);
      }
    }
  });

  it("documents every value of the chart", () => {
    const page = read("deploy/helm/skein/README.md");
    const values = parse(read("deploy/helm/skein/values.yaml")) as Record<string, unknown>;
    for (const [name, value] of Object.entries(values)) {
      const isGroup =
        typeof value === "object" && value !== null && !Array.isArray(value) && name !== "resources";
      const names = isGroup ? Object.keys(value).map((key) => `${name}.${key}`) : [name];
      for (const each of names) expect(page).toContain(`\`${each}\``);
    }
  });
});

describe("docs/install.md", () => {
  it.each(blocks("docs/install.md").map((block, index) => [index + 1, block] as const))(
    "block %i is YAML",
    (_index, block) => {
      expect(parseAllDocuments(block).flatMap(({ errors }) => errors)).toEqual([]);
    },
  );

  const patches = blocks("docs/install.md")
    .map((block) => parse(block) as { spec?: { podSpecPatch?: string } })
    .flatMap(({ spec }) => (spec?.podSpecPatch ? [parse(spec.podSpecPatch) as PodSpec] : []));

  interface Named {
    name: string;
    [field: string]: unknown;
  }
  type PodSpec = Record<"initContainers" | "containers" | "volumes", Named[] | undefined>;

  /** As the controller merges a podSpecPatch: lists of things with names are merged by name, and other fields set. */
  function merged(spec: PodSpec, patch: PodSpec): PodSpec {
    const result = { ...spec };
    for (const [list, changes] of Object.entries(patch) as [keyof PodSpec, Named[]][]) {
      const known = spec[list] ?? [];
      const names = new Set(known.map(({ name }) => name));
      expect(
        changes.filter(({ name }) => !names.has(name)),
        `new ${list}`,
      ).toEqual([]);
      result[list] = known.map((each) => ({ ...each, ...changes.find(({ name }) => name === each.name) }));
    }
    return result;
  }

  it.each([
    ["hello-world", 0],
    ["artifact-passing-consumer", 0],
    ["container-set-graph", 0],
    ["sidecar", 0],
    ["initless-artifact-passing-consumer", 1],
  ])(
    "puts Skein into every executor's container of the pod that a controller made for %s, and into no other",
    (pod, which) => {
      const { spec } = JSON.parse(read(`test/conformance/pods/${pod}.json`)) as { spec: PodSpec };
      const before = JSON.stringify(spec).match(/quay\.io\/argoproj\/argoexec/g)?.length ?? 0;
      expect(before).toBeGreaterThan(0);
      const after = merged(spec, patches[which] as PodSpec);
      const text = JSON.stringify([after.initContainers, after.containers, after.volumes]);
      expect(text).not.toContain("quay.io/argoproj/argoexec");
      expect(text.match(/ghcr\.io\/skein\/argoexec/g)).toHaveLength(before);
      expect(after.containers?.find(({ name }) => name === "main")).toEqual(
        spec.containers?.find(({ name }) => name === "main"),
      );
    },
  );
});
