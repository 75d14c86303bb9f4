import { formatTraceparent, serialiseTemplate } from "@skein/contract";
import { type ParentContext, runAttributes } from "@skein/telemetry";
import { installFront } from "./install-front.ts";
import { loadArtifacts } from "./load-artifacts.ts";
import type { TransferParts } from "./parts.ts";
import { replaceFile } from "./replace-file.ts";
import { runIdentity } from "./run-identity.ts";
import { stageFiles } from "./stage-files.ts";

export interface InitParts extends TransferParts {
  /** What this container hangs below, for the containers of the pod that are given no context of their own. */
  parent: ParentContext | undefined;
  /** Variables for the users' containers that do not set them themselves. */
  settingsForMain?: Readonly<Record<string, string>>;
}

/**
 * The init container (contract §6): makes the front, the template and the trace context known to the pod, stages
 * files, loads the input artifacts. Every file appears whole or not at all, so that running it again does no harm.
 *
 * Never talks to the Kubernetes API.
 *
 * @throws the first failure; what has been loaded stays
 */
export function runInit(parts: InitParts): Promise<void> {
  const { config, paths, template, tracing } = parts;
  return tracing.withSpan("runInitContainer", { attributes: runAttributes(runIdentity(parts)) }, async () => {
    await installFront(config, paths);
    await replaceFile(paths.template, serialiseTemplate(template), 0o444);
    await leaveTraceContext(parts);
    await tracing.withSpan("stageFiles", {}, () => stageFiles(template, paths));
    await loadArtifacts(parts);
  });
}

/** For the containers of the pod that are given no context of their own, and what all of them are to be told. */
export async function leaveTraceContext({
  parent,
  paths,
  settingsForMain = {},
}: Pick<InitParts, "parent" | "paths" | "settingsForMain">): Promise<void> {
  if (!parent) return;
  const context = {
    traceparent: formatTraceparent(parent),
    tracestate: parent.traceState ?? "",
    baggage: parent.baggage ?? "",
    ...(Object.keys(settingsForMain).length > 0 ? { environment: settingsForMain } : {}),
  };
  await replaceFile(paths.traceContext, JSON.stringify(context), 0o644);
}
