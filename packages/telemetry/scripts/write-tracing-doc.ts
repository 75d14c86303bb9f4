// Writes the tables of docs/tracing.md from the constants in this package.
import { readFile, writeFile } from "node:fs/promises";
import { fillTables } from "../src/tracing-doc.ts";

const document = new URL("../../../docs/tracing.md", import.meta.url);
await writeFile(document, fillTables(await readFile(document, "utf8")));
