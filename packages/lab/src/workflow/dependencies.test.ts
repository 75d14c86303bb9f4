import { describe, expect, it } from "vitest";
import { ancestorsOf, dependenciesOf, findCycle } from "./dependencies.ts";
import type { Step } from "./types.ts";

const tasks: Step[] = [
  { name: "a", template: "t" },
  { name: "b", template: "t", dependencies: ["a"] },
  { name: "c", template: "t", depends: "a" },
  { name: "d", template: "t", depends: "b && c" },
];
const taskNamed = (name: string): Step => tasks.find((task) => task.name === name) as Step;

describe("ancestorsOf", () => {
  it("finds all tasks a task waits for, and leaves the task as it was", () => {
    expect([...ancestorsOf(taskNamed("d"), tasks)].sort()).toEqual(["a", "b", "c"]);
    expect([...ancestorsOf(taskNamed("b"), tasks)]).toEqual(["a"]);
    expect(dependenciesOf(taskNamed("b"))).toEqual(["a"]);
  });
});

describe("findCycle", () => {
  it("names the way round", () => {
    const next = (name: string): string[] => ({ a: ["b"], b: ["c"], c: ["b"] })[name] ?? [];
    expect(findCycle(["a"], next)).toEqual(["b", "c", "b"]);
  });
});
