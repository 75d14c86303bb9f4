/** Writes the table of features into docs/compatibility.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CASES } from "../cases/index.ts";
import { withFeatureTable } from "./table.ts";

const page = join(import.meta.dirname, "../../../docs/compatibility.md");
writeFileSync(page, withFeatureTable(readFileSync(page, "utf8"), CASES));
