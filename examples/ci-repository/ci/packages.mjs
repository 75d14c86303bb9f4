import { readdirSync } from "node:fs";
import { join } from "node:path";

const PACKAGES = new URL("../packages/", import.meta.url).pathname;

/** The packages of this repository, each with its modules and its tests, as absolute paths. */
export function listPackages() {
  return readdirSync(PACKAGES)
    .toSorted()
    .map((name) => ({
      name,
      modules: listModules(join(PACKAGES, name, "src")),
      tests: listModules(join(PACKAGES, name, "test")),
    }));
}

function listModules(directory) {
  return readdirSync(directory)
    .toSorted()
    .map((file) => join(directory, file));
}

/** The value that follows `--name` on the command line. */
export function option(name, otherwise) {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? otherwise : process.argv[index + 1];
}
