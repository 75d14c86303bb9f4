import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fnv32a, generateName, nodeId, podName } from "./names.ts";

/** What a real controller called the node of a pod. */
function readPod(file: string): {
  pod: string;
  node: string;
  id: string;
  template: string;
  workflow: string;
} {
  const path = new URL(`../../testdata/pods/${file}.json`, import.meta.url);
  const { metadata, spec } = JSON.parse(readFileSync(path, "utf8"));
  const [init] = spec.initContainers;
  const variable = (name: string): string =>
    init.env.find((entry: { name: string }) => entry.name === name).value;
  return {
    pod: metadata.name,
    node: metadata.annotations["workflows.argoproj.io/node-name"],
    id: metadata.annotations["workflows.argoproj.io/node-id"],
    template: JSON.parse(variable("ARGO_TEMPLATE")).name,
    workflow: variable("ARGO_WORKFLOW_NAME"),
  };
}

describe("names of nodes and pods", () => {
  it.each(["hello-world", "artifact-passing-producer", "artifact-passing-consumer", "script-with-result"])(
    "are those a controller gave in %s",
    (file) => {
      const { pod, node, id, template, workflow } = readPod(file);
      expect(nodeId(workflow, node)).toBe(id);
      expect(podName(workflow, template, node)).toBe(pod);
    },
  );

  it("hash as FNV-1a does, by its published vectors", () => {
    expect(fnv32a("")).toBe(0x811c9dc5);
    expect(fnv32a("foobar")).toBe(0xbf9cf968);
  });

  it("stay within what Kubernetes allows, at the cost of the template's name", () => {
    const name = podName("w".repeat(200), "t".repeat(200), "node");
    expect(name.length).toBeLessThanOrEqual(253);
    expect(name).toMatch(/-\d+$/);
  });
});

describe("generateName", () => {
  it("appends five characters that cannot be taken for one another", () => {
    expect(generateName("hello-", () => Uint8Array.of(0, 1, 26, 27, 255))).toBe("hello-bc9bq");
    expect(generateName("hello-")).toMatch(/^hello-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });
});
