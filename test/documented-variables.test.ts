import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const CHECKOUT = join(import.meta.dirname, "..");
const ROOMS = [
  "contract",
  "telemetry",
  "archive",
  "kubernetes",
  "artifacts",
  "executor",
  "argoexec",
  "front",
];
const PAGES = ["docs/configuration.md", "docs/tracing.md"];

/** Variables of ours and of upstream's executor; those of git, the SDKs and Kubernetes are their own business. */
const VARIABLE =
  /(?:\benv\.|["'])(?<name>(?:ARGO|SKEIN|EXECUTOR_RETRY|RETRY|ARTIFACT|SSH|TRANSIENT|REMOVE)_[A-Z0-9_]*[A-Z0-9])\b/g;

/** What names no variable, or one that the executor sets for a child process. */
const OTHERS = new Set(["SSH_ASKPASS", "SKEIN_BUILD"]);

function variablesIn(room: string): string[] {
  const folder = join(CHECKOUT, "packages", room);
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter(
      (path) =>
        /\.(ts|go)$/.test(path) && !/\.test\.ts$|_test\.go$|fixture|\.types|node_modules|dist\//.test(path),
    )
    .flatMap((path) => [...readFileSync(join(folder, path), "utf8").matchAll(VARIABLE)])
    .map(({ groups }) => groups?.name ?? "")
    .filter((name) => !OTHERS.has(name) && !name.startsWith("ARGO_OTEL"));
}

describe("environment variables", () => {
  const documented = PAGES.map((page) => readFileSync(join(CHECKOUT, page), "utf8")).join("\n");

  it.each(ROOMS)("that %s reads are documented", (room) => {
    const missing = new Set(variablesIn(room).filter((name) => !documented.includes(name)));
    expect([...missing]).toEqual([]);
  });

  it("are found where they are known to be", () => {
    expect(variablesIn("contract")).toContain("ARGO_DEADLINE");
    expect(variablesIn("front")).toContain("ARGO_CONTAINER_ARGS_FILE");
  });
});
