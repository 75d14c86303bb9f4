import { expect, it } from "vitest";
import { parse } from "yaml";
import { toYaml } from "./to-yaml.ts";

it("is read as the same by those who take YAML 1.1", () => {
  const args = [
    "yes",
    "no",
    "on",
    "Off",
    "y",
    "~",
    "null",
    "1:30",
    "0777",
    "0x1f",
    "1_000",
    "true",
    "",
    "a: b",
  ];
  const object = { spec: { arguments: { parameters: args.map((value) => ({ name: "a", value })) } } };
  const text = toYaml(object);
  for (const version of ["1.1", "1.2"] as const) expect(parse(text, { version })).toEqual(object);
  expect(text).not.toContain("%YAML");
});
