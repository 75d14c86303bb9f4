import { describe, expect, it } from "vitest";
import { run } from "./run-scripted.ts";

describe("a containerSet", () => {
  const SET = `- name: main
  containerSet: {containers: [{name: a, command: [x]}, {name: main, command: [x], dependencies: [a]}]}`;

  it("shows what became of each container", async () => {
    const { nodes } = await run(SET, {
      outcomes: { wf: { phase: "Failed", message: "main: Error (exit code 3)" } },
      onPod: ({ onContainer }) => {
        onContainer("a", { phase: "Running", message: "" });
        onContainer("a", { phase: "Succeeded", message: "" });
        onContainer("main", { phase: "Failed", message: "main: Error (exit code 3)" });
      },
    });
    expect(nodes.map(({ name, type, phase, parent }) => [name, type, phase, parent?.name])).toEqual([
      ["wf", "Pod", "Failed", undefined],
      ["wf.a", "Container", "Succeeded", "wf"],
      ["wf.main", "Container", "Failed", "wf"],
    ]);
  });

  it("leaves no container open when the pod ended before it began", async () => {
    const { phases } = await run(SET, { outcomes: { wf: { phase: "Error", message: "init: …" } } });
    expect(phases).toEqual({ wf: "Error", "wf.a": "Omitted", "wf.main": "Omitted" });
  });
});
