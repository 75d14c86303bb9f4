import { readFileSync } from "node:fs";
import { joinPageModules } from "./page-script.ts";

/** In the order in which they need each other. */
const MODULES = [
  "extremes.js",
  "format.js",
  "ticks.js",
  "dom.js",
  "time-window.js",
  "row-list.js",
  "search.js",
  "attribute-table.js",
  "detail.js",
  "minimap.js",
  "row-view.js",
  "waterfall.js",
  "waterfall-pointer.js",
  "search-box.js",
  "tabs.js",
  "headline.js",
  "keys.js",
  "steps.js",
  "transfers.js",
  "files.js",
  "theme.js",
  "main.js",
] as const;

const STYLES = ["page.css", "waterfall.css", "rows.css", "detail.css", "report.css", "narrow.css"] as const;

export interface PageSources {
  readonly css: string;
  readonly script: string;
}

/**
 * The page's style and script, from the folder `html` beside this module: that of the sources, or the copy which
 * the build puts beside the bundled command. Throws what reading the files throws.
 */
export function readPageSources(folder: URL = new URL("./html/", import.meta.url)): PageSources {
  const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
  return {
    css: STYLES.map(read).join(""),
    script: joinPageModules(MODULES.map((name) => ({ name, source: read(name) }))),
  };
}
