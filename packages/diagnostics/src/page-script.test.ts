import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { joinPageModules } from "./page-script.ts";
import { readPageSources } from "./page-sources.ts";

describe("joinPageModules", () => {
  it("joins modules so that each keeps its own names and sees what it imports", () => {
    const script = joinPageModules([
      {
        name: "a.js",
        source:
          "const secret = 1;\nexport function next(x) {\n  return x + secret;\n}\nexport const two = 2;\n",
      },
      {
        name: "b.js",
        source:
          'import {\n  next,\n  two,\n} from "./a.js";\nconst secret = 5;\nresult.push(next(two), secret);\n',
      },
    ]);
    const result: number[] = [];
    runInNewContext(script, { result });
    expect(result).toEqual([3, 5]);
  });

  it("refuses an import of what comes later, or of nothing it has", () => {
    const source = 'import { x } from "./later.js";\n';
    expect(() => joinPageModules([{ name: "a.js", source }])).toThrow(
      "a.js imports later.js, which does not come before it",
    );
  });

  it.each(["export default 1;", 'export * from "./a.js";', 'import * as a from "./a.js";', "export { x };"])(
    "refuses the form %s instead of breaking the page",
    (line) => {
      expect(() => joinPageModules([{ name: "a.js", source: `const x = 1;\n${line}\n` }])).toThrow(
        `cannot join this form: ${line}`,
      );
    },
  );
});

describe("readPageSources", () => {
  it("gives a script that parses and cannot end its own element, and a style likewise", () => {
    const { css, script } = readPageSources();
    expect(() => new Function(script)).not.toThrow();
    expect(script).not.toMatch(/<\/script|<!--/i);
    expect(css).not.toMatch(/<\/style/i);
  });
});
