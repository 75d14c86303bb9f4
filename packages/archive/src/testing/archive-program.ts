/**
 * Packs or unpacks as a process of its own, for tests that need another user or another disk:
 * `archive-program.ts unpack ARCHIVE INTO` or `archive-program.ts pack SOURCE`. Prints what happened as JSON.
 */
import { createReadStream } from "node:fs";
import { errorCode, errorMessage } from "@skein/contract";
import { extractTar } from "../extract-tar.ts";
import { packTar } from "../pack-tar.ts";
import { collect } from "./streams.ts";

async function run([action, source = "", into = ""]: string[]): Promise<unknown> {
  if (action === "pack") return (await collect(packTar(source))).length;
  return extractTar(createReadStream(source), { into });
}

const outcome = await run(process.argv.slice(2)).catch((error: unknown) => ({
  code: errorCode(error),
  message: errorMessage(error),
}));
process.stdout.write(JSON.stringify(outcome));
