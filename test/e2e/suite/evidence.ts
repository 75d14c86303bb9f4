import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StepEnd } from "./run-step.ts";
import type { World } from "./world.ts";

/** Volumes that are worth keeping; those of secrets and of the service account are not kept. */
const KEPT_VOLUMES = ["var-run-argo", "input-artifacts", "argo-staging"];
/** The front's own binary. */
const LEFT_OUT = /\/var-run-argo\/argoexec$/;

/** Writes down what a case left: its error, and of each pod the objects, logs, termination messages and shared files. */
export function keepEvidence(
  world: World,
  directory: string,
  error: unknown,
  pods: readonly { name: string; end?: StepEnd }[],
): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "error.txt"), error instanceof Error ? `${error.stack}\n` : `${error}\n`);
  for (const { name, end } of pods) {
    const source = world.kubelet.directoryOf(name);
    if (!existsSync(source)) continue;
    const target = join(directory, name);
    for (const entry of readdirSync(source)) {
      if (entry !== "volumes") copy(join(source, entry), join(target, entry));
    }
    for (const volume of KEPT_VOLUMES) {
      const at = join(source, "volumes", volume);
      if (existsSync(at)) copy(at, join(target, "volumes", volume));
    }
    if (!end) continue;
    const { pod, status, verdict, result, step } = end;
    const spans = world.collector.spans(step.trace.traceId);
    for (const [file, content] of Object.entries({ pod, status: { verdict, ...status }, result, spans }))
      writeFileSync(join(target, `${file}.json`), toJson(content));
  }
}

function copy(source: string, target: string): void {
  cpSync(source, target, { recursive: true, verbatimSymlinks: true, filter: (path) => !LEFT_OUT.test(path) });
}

function toJson(content: unknown): string {
  const replacer = (_: string, value: unknown): unknown =>
    typeof value === "bigint" ? String(value) : value;
  return `${JSON.stringify(content, replacer, 1) ?? "null"}\n`;
}
