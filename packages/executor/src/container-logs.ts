import type { TransferEngine } from "@skein/artifacts";
import { type Artifact, isNotFound, mainContainerNames } from "@skein/contract";
import { ATTR } from "@skein/telemetry";
import { type ArtifactsOutcome, type OnSaved, saveFailure } from "./output-artifacts.ts";
import type { TransferParts } from "./parts.ts";
import { realPathWithin } from "./real-path-within.ts";
import { locateOutput } from "./save-plan.ts";

/**
 * Archives what the main containers printed, if the template asks for it (contract §11.6): one object per container,
 * as it is, under the name the UI looks for.
 */
export function saveContainerLogs(
  parts: TransferParts,
  engine: () => Promise<TransferEngine>,
  onSaved: OnSaved,
): Promise<ArtifactsOutcome> {
  const { template, tracing } = parts;
  return tracing.withSpan("saveLogs", {}, async (span) => {
    if (!template.archiveLocation?.archiveLogs) return { errors: [] };
    const containers = mainContainerNames(template);
    const results = await Promise.allSettled(
      containers.map((container, position) =>
        tracing.withSpan(
          "saveContainerLogs",
          { attributes: { [ATTR.containerName]: container } },
          async () => {
            const reported = await saveLog(container, parts, engine);
            if (reported) onSaved(position, reported);
          },
        ),
      ),
    );
    for (const result of results) if (result.status === "rejected") span.recordError(result.reason);
    return {
      errors: results.flatMap((result, index) =>
        result.status === "rejected" ? [saveFailure(`${containers[index]}-logs`, result.reason)] : [],
      ),
    };
  });
}

async function saveLog(
  container: string,
  { log, paths, template }: TransferParts,
  engine: () => Promise<TransferEngine>,
): Promise<Artifact | undefined> {
  const path = paths.combined(container);
  try {
    await realPathWithin(path, paths.shared);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    log.warn("no logs to save: container produced no output", { containerName: container });
    return undefined;
  }
  const declared: Artifact = { name: `${container}-logs` };
  const { artifact, reported } = locateOutput(declared, template.archiveLocation, `${container}.log`);
  await (await engine()).save({
    artifact: { ...artifact, archive: { none: {} } },
    source: { kind: "file", path },
  });
  return reported;
}
