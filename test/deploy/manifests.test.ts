import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { documentedBlocks } from "../support/documented-blocks.ts";

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
/** The fields of `executor` that a controller takes into its containers (contract §1.4); it ignores or refuses others. */
const EXECUTOR_FIELDS = ["args", "env", "image", "imagePullPolicy", "resources", "securityContext"];

function filesBelow(directory: string, pattern: RegExp): string[] {
  return readdirSync(join(checkout, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => pattern.test(path))
    .map((path) => join(directory, path));
}

/** The YAML blocks of docs/install.md, all of them or those below a heading. */
function blocks(heading?: string): string[] {
  return documentedBlocks(join(checkout, "docs/install.md"))
    .filter((block) => block.language === "yaml" && (heading === undefined || block.heading === heading))
    .map(({ text }) => text);
}

interface ExecutorSettings {
  image: string;
  env?: { name: string; value: string }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
}

function parseExecutor(configMap: string): ExecutorSettings {
  const { data } = parse(configMap) as { data: { executor: string } };
  const executor = parse(data.executor) as ExecutorSettings;
  for (const field of Object.keys(executor)) expect(EXECUTOR_FIELDS).toContain(field);
  return executor;
}

const PLAIN = "deploy/kustomize/components/executor/controller-configmap-patch.yaml";
const TRACED = "deploy/kustomize/components/tracing/controller-configmap-patch.yaml";

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
    expect(blocks("Rights").map((block) => parse(block))).toEqual([{ rules: RULES }]);
  });

  it("has an executor block that is YAML itself, with the image of this version, the same everywhere", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    const plain = parseExecutor(read(PLAIN));
    expect(plain.image).toBe(`ghcr.io/skein/argoexec:${version}`);
    expect(parseExecutor(read(TRACED))).toEqual({ ...plain, env: expect.any(Array) });
    const values = parse(read("deploy/helm/skein/values.yaml")) as {
      resources: unknown;
      image: { repository: string };
    };
    expect(values.resources).toEqual(plain.resources);
    expect(values.image.repository).toBe(plain.image.split(":")[0]);
    const chart = parse(read("deploy/helm/skein/Chart.yaml")) as { appVersion: string; version: string };
    expect([chart.appVersion, chart.version]).toEqual([version, version]);
    const [documented = "", argosChart = ""] = blocks("3. Everywhere");
    expect(parseExecutor(documented)).toEqual(plain);
    const { executor } = parse(argosChart) as {
      executor: { image: Record<string, string>; resources: unknown };
    };
    const { registry, repository, tag } = executor.image;
    expect([`${registry}/${repository}:${tag}`, executor.resources]).toEqual([plain.image, plain.resources]);
  });

  it("names variables only that are documented or OpenTelemetry's", () => {
    const configuration = read("docs/configuration.md") + read("docs/tracing.md");
    for (const path of [...filesBelow("deploy", /\.(ya?ml|tpl|md|txt)$/), "docs/install.md"]) {
      for (const [, name = ""] of read(path).matchAll(/\b((?:SKEIN|ARGO|OTEL|SSL|NODE)_[A-Z0-9_]+)\b/g)) {
        expect(configuration, `${name} in ${path}`).toContain(name);
      }
    }
  });

  it("documents every value of the chart, and its schema knows the same", () => {
    const page = read("deploy/helm/skein/README.md");
    const schema = JSON.parse(read("deploy/helm/skein/values.schema.json")) as {
      properties: Record<string, { properties?: object }>;
    };
    const { global: _, ...known } = schema.properties; // helm's own
    const values = parse(read("deploy/helm/skein/values.yaml")) as Record<string, object>;
    expect(Object.keys(known).sort()).toEqual(Object.keys(values).sort());
    for (const [name, { properties }] of Object.entries(known)) {
      const names = properties ? Object.keys(properties).map((key) => `${name}.${key}`) : [name];
      for (const each of names) expect(page).toContain(`\`${each}\``);
      if (properties) expect(Object.keys(values[name] ?? {}).sort()).toEqual(Object.keys(properties).sort());
    }
  });
});

describe("docs/install.md", () => {
  it.each(blocks().map((block, index) => [index + 1, block] as const))(
    "block %i is YAML",
    (_index, block) => {
      expect(parseAllDocuments(block).flatMap(({ errors }) => errors)).toEqual([]);
    },
  );

  it("has patches that are pod specs with this version's image in them", () => {
    const { image } = parseExecutor(read(PLAIN));
    const patches = blocks()
      .map((block) => parse(block) as { spec?: { podSpecPatch?: string } } | null)
      .flatMap((workflow) => workflow?.spec?.podSpecPatch ?? []);
    expect(patches).toHaveLength(4);
    for (const text of patches) {
      const { initContainers = [], containers } = parse(text) as Record<
        "initContainers" | "containers",
        { name: string; image?: string }[] | undefined
      >;
      for (const container of [...initContainers, ...(containers ?? [])]) {
        expect(["init", "wait", "supervisor"]).toContain(container.name);
        if (container.image !== undefined) expect(container.image).toBe(image);
      }
    }
  });

  it("asks for no less memory than the executor's containers were measured to need", () => {
    const own = ownMemory(read("docs/benchmarks-pod.md"));
    const [, request, limit] =
      /A request of (\d+)Mi and a limit of (\d+)Mi are enough/.exec(read("docs/install.md")) ?? [];
    const idle = own.filter(({ pod }) => /^(empty|hello|idle)$/.test(pod));
    expect(idle.length).toBeGreaterThan(0);
    for (const { pod, megabytes } of idle) expect(megabytes * 1e6, pod).toBeLessThan(mebibytes(request));
    for (const { pod, megabytes } of own) expect(megabytes * 1e6, pod).toBeLessThan(mebibytes(limit));
    const { requests, limits } = parseExecutor(read(PLAIN)).resources;
    expect(requests.memory).toBe(`${request}Mi`);
    expect(mebibytes(limits.memory)).toBeGreaterThanOrEqual(mebibytes(limit));
  });
});

const mebibytes = (text = ""): number => Number.parseInt(text, 10) * 1024 * 1024;

/** Anonymous memory of init and of wait or supervisor, from the page's table "Memory". */
function ownMemory(page: string): { pod: string; megabytes: number }[] {
  const [, table = ""] = page.split("| pod | layout | init charged | own |");
  return table
    .split("\n\n", 1)
    .join("")
    .split("\n")
    .slice(2)
    .flatMap((row) => {
      const [pod = "", , , init = "", , aux = ""] = row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [init, aux]
        .filter((cell) => /^[\d.]+$/.test(cell))
        .map((cell) => ({ pod, megabytes: Number(cell) }));
    });
}
