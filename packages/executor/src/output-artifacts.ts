import type { TransferEngine, TransferReport } from "@skein/artifacts";
import {
  type Artifact,
  ArtifactError,
  archiveStrategy,
  cleanArtifactPath,
  errorCode,
  errorMessage,
  isNotFound,
  type Logger,
} from "@skein/contract";
import { ATTR, EVENT } from "@skein/telemetry";
import { artifactPlace, type OutputPlace } from "./output-place.ts";
import { readPackedContents } from "./packed-contents.ts";
import type { TransferParts } from "./parts.ts";
import { realPathWithin } from "./real-path-within.ts";
import { planSave } from "./save-plan.ts";
import { totals } from "./transfer-totals.ts";

export interface ArtifactsOutcome {
  /** One for each that could not be saved, in the order of declaration. */
  errors: Error[];
}

/** Told of each artifact as soon as it is saved: where it stands among those that are declared, and what to report of it. */
export type OnSaved = (position: number, reported: Artifact) => void;

/**
 * Saves the output artifacts, concurrently (contract §11). All are attempted, whatever happens to the others.
 */
export function saveOutputArtifacts(
  parts: TransferParts,
  engine: () => Promise<TransferEngine>,
  onSaved: OnSaved,
): Promise<ArtifactsOutcome> {
  const { template, log, paths, tracing } = parts;
  const declared = template.outputs?.artifacts ?? [];
  return tracing.withSpan("saveArtifacts", {}, async (span) => {
    if (declared.length === 0) log.info("No output artifacts");
    const packedContents = await readPackedContents(paths);
    const results = await Promise.allSettled(
      declared.map(async (artifact, position) => {
        span.addEvent(EVENT.uploadArtifact, { [ATTR.file]: artifact.name });
        const saved = await saveOne(artifact, parts, { engine, packedContents });
        if (saved) onSaved(position, saved.reported);
        return saved?.report;
      }),
    );
    const reports = results.flatMap((result) =>
      result.status === "fulfilled" && result.value ? [result.value] : [],
    );
    span.setAttributes(totals(reports));
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") continue;
      span.recordError(result.reason);
      logFailure(log, declared[index]?.name ?? "", result.reason);
    }
    return {
      errors: results.flatMap((result, index) =>
        result.status === "rejected" ? [saveFailure(declared[index]?.name ?? "", result.reason)] : [],
      ),
    };
  });
}

/** What is reported joins all failures, so each has to say whose it is; upstream's do not. */
export function saveFailure(name: string, error: unknown): Error {
  const message = errorMessage(error);
  if (error instanceof Error && message.includes(`'${name}'`)) return error;
  return new ArtifactError(`artifact ${name} failed to save: ${message}`, {
    code: errorCode(error),
    cause: error,
    ...(error instanceof ArtifactError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
  });
}

/** Each as it happened, with what to do about it: the text that is reported joins them all. */
function logFailure(log: Logger, name: string, error: unknown): void {
  const remedy = error instanceof ArtifactError ? error.remedy : undefined;
  log.error("failed to save artifact", {
    name,
    error: error as Error,
    code: errorCode(error),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** @returns nothing for an optional artifact that main did not write */
async function saveOne(
  declared: Artifact,
  parts: TransferParts,
  by: {
    engine: () => Promise<TransferEngine>;
    packedContents: Awaited<ReturnType<typeof readPackedContents>>;
  },
): Promise<{ report: TransferReport; reported: Artifact } | undefined> {
  const { config, log, paths, template, tracing } = parts;
  const path = cleanArtifactPath(declared);
  const place = artifactPlace(template, path, { paths, initless: config.initless });
  try {
    await findOutput(declared, place);
  } catch (error) {
    if (declared.optional && isNotFound(error)) {
      log.warn("Ignoring optional artifact which does not exist in path", { name: declared.name, path });
      return undefined;
    }
    const attributes = { [ATTR.artifactName]: declared.name };
    return tracing.withSpan("saveArtifact", { attributes }, () => Promise.reject(error));
  }
  const contents = place.baseImage ? by.packedContents(path) : undefined;
  const { artifact, reported, source } = planSave(declared, template, { path, place, contents });
  const report = await (await by.engine()).save({ artifact, source });
  if (report.unpackedBytes === 0) log.warn("The output artifact is empty", { name: declared.name, path });
  return { report, reported };
}

/** Says in upstream's words that the output is not there: which call fails depends on the strategy. */
async function findOutput(declared: Artifact, { baseImage, path, root }: OutputPlace): Promise<void> {
  try {
    await realPathWithin(path, root, baseImage ? "open" : "stat");
  } catch (error) {
    const uploadedAsIs = !baseImage && archiveStrategy(declared.archive).type === "none";
    if (!uploadedAsIs || !isNotFound(error)) throw error;
    throw new ArtifactError(`${path} no such file or directory`, { code: "file.not_found", cause: error });
  }
}
