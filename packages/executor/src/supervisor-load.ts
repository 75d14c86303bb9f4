import { ArtifactError, errorCode, errorMessage, serialiseTemplate } from "@skein/contract";
import type { InitParts } from "./init.ts";
import { leaveTraceContext } from "./init.ts";
import { errorLine } from "./journal-file.ts";
import { loadArtifacts } from "./load-artifacts.ts";
import type { TransferParts, WaitParts } from "./parts.ts";
import { replaceFile } from "./replace-file.ts";
import { stageFiles } from "./stage-files.ts";

/**
 * First act of `supervisor`, in pods without an init container (contract §9.1 steps 2–4): what init does, but for the
 * binary, which comes with the image. The front tells the containers that wait how it went. Every file appears whole
 * or not at all, so that running it again does no harm.
 *
 * @throws the first failure, after writing it into the journal: `finish` ends with it
 */
export async function runSupervisorLoad(parts: WaitParts & InitParts): Promise<void> {
  const { journal, now, paths, template } = parts;
  try {
    await naming("failed to write template", () =>
      replaceFile(paths.template, serialiseTemplate(template), 0o444),
    );
    await leaveTraceContext(parts);
    await naming("failed to stage files", () =>
      parts.tracing.withSpan("stageFiles", {}, () => stageFiles(template, paths)),
    );
    await Promise.all([
      naming("failed to load non-plugin input artifacts", () => loadArtifacts(parts)),
      refusePlugins(parts),
    ]);
  } catch (error) {
    journal.append(errorLine(error, now()));
    throw error;
  }
}

/** The error keeps its code and its remedy; its text says at which step it came. */
async function naming<T>(step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ArtifactError(`${step}: ${errorMessage(error)}`, {
      code: errorCode(error),
      cause: error,
      ...(error instanceof ArtifactError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
    });
  }
}

async function refusePlugins({ config }: TransferParts): Promise<void> {
  const [plugin] = config.inputArtifactPlugins;
  if (plugin === undefined) return;
  throw new ArtifactError(
    `failed to load input artifacts from plugin "${plugin}": artifact plugins are not supported`,
    { code: "artifact.unsupported_driver" },
  );
}
