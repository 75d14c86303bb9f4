/** A source file of the page: a plain ES module with named imports and exports only. */
export interface PageModule {
  /** `waterfall.js` */
  readonly name: string;
  readonly source: string;
}

/**
 * Joins the page's modules into one script, since a page opened from a file can load no modules. Each becomes a function
 * called once, in the order given; imports become lookups of what an earlier one returned.
 * Throws when a module uses a form of import or export that this does not know, or one that comes later.
 */
export function joinPageModules(modules: readonly PageModule[]): string {
  const seen = new Set<string>();
  const parts = modules.map(({ name, source }) => {
    const exported: string[] = [];
    const body = source
      .replace(/^import \{([^}]*)\} from "\.\/([^"]+)";$/gm, (_line, names: string, from: string) => {
        if (!seen.has(from)) throw new Error(`${name} imports ${from}, which does not come before it`);
        return `const {${names.replace(/\s+/g, " ")}} = page["${from}"];`;
      })
      .replace(
        /^export (?=(?:async )?(?:function\*?|const|class) (\w+))/gm,
        (_word, exportedName: string) => {
          exported.push(exportedName);
          return "";
        },
      );
    const left = /^(?:import|export)\b.*$/m.exec(body);
    if (left) throw new Error(`${name}: cannot join this form: ${left[0]}`);
    seen.add(name);
    return `page["${name}"] = (() => {\n${body.trim()}\nreturn { ${exported.join(", ")} };\n})();`;
  });
  return `(() => {\n"use strict";\nconst page = {};\n${parts.join("\n")}\n})();\n`;
}
