import { describe, expect, it } from "vitest";
import { soleTag, substitute, tagsOf } from "./tags.ts";

describe("substitute", () => {
  const lookup = (name: string): string | undefined => ({ a: "1", quote: 'he said "no"\n' })[name];

  it("replaces tags in every text, at any depth, spaces or not", () => {
    const value = { args: ["x={{a}}", ["{{ a }}{{a}}"]], n: 3, flag: true, none: null };
    expect(substitute(value, lookup)).toEqual({ args: ["x=1", ["11"]], n: 3, flag: true, none: null });
  });

  it("leaves a tag without a value, and whatever comes out of a value, as it is", () => {
    expect(substitute("{{b}} {{a}}", (name) => (name === "a" ? "{{b}}" : undefined))).toBe("{{b}} {{b}}");
  });

  it("takes values literally, whatever is in them", () => {
    expect(substitute("say {{quote}}$&", lookup)).toBe('say he said "no"\n$&');
  });

  it("does not touch the names of fields", () => {
    expect(substitute({ "{{a}}": "{{a}}" }, lookup)).toEqual({ "{{a}}": "1" });
  });
});

describe("tagsOf", () => {
  it("finds all tags of a text, an expression with its mark", () => {
    expect(tagsOf("{{a}} {{ b.c }} {{=a + 1}} {d}")).toEqual(["a", "b.c", "=a + 1"]);
  });
});

describe("soleTag", () => {
  it("is the tag a text consists of, and nothing where there is more", () => {
    expect(soleTag(" {{ inputs.artifacts.x }} ")).toBe("inputs.artifacts.x");
    expect(soleTag("s3://{{a}}")).toBeUndefined();
    expect(soleTag("{{a}}{{b}}")).toBeUndefined();
  });
});
