import { describe, expect, it } from "vitest";
import { parseYaml } from "./yaml-source.ts";

describe("parseYaml", () => {
  it("reads file modes as octal and merges keys, as Kubernetes does", () => {
    const { documents } = parseYaml("mode: 0755\nport: 80\nname: yes\nbase: &b {a: 1}\nmore: {<<: *b}\n");
    expect(documents[0]?.value).toEqual({
      mode: 0o755,
      port: 80,
      name: "yes",
      base: { a: 1 },
      more: { a: 1 },
    });
  });

  it.each([
    ["an alias of something that is not whole yet", "a: &a [*b]"],
    ["aliases that unfold to more than any file needs", bomb()],
  ])("complains about %s at its place instead of failing", (_what, text) => {
    const { documents, problems } = parseYaml(text);
    expect(documents).toEqual([]);
    expect(problems[0]).toMatchObject({ line: 1, message: expect.stringMatching(/alias/i) });
  });
});

function bomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let n = 1; n < 9; n++)
    lines.push(
      `a${n}: &a${n} [${Array(9)
        .fill(`*a${n - 1}`)
        .join(", ")}]`,
    );
  return lines.join("\n");
}
