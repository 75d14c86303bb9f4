import type { TransferReport } from "@skein/artifacts";
import { ArtifactError, errorCode, errorMessage, isNotFound, isWithin } from "@skein/contract";
import { ATTR, EVENT } from "@skein/telemetry";
import { applyMode } from "./apply-mode.ts";
import { type LoadPlan, planLoads } from "./load-plan.ts";
import { readLoadedIntoVolumes } from "./loaded-into-volumes.ts";
import type { TransferParts } from "./parts.ts";
import { refuseWayOut } from "./real-path-within.ts";
import { totals } from "./transfer-totals.ts";

type Load = Extract<LoadPlan, { action: "load" }>;

/**
 * Loads all input artifacts, concurrently (contract §6 step 6). The first failure stops the others and is thrown
 * when none of them runs any more.
 *
 * @throws ArtifactError with upstream's texts
 */
export function loadArtifacts(parts: TransferParts): Promise<void> {
  const { template, paths, log, tracing } = parts;
  return tracing.withSpan("loadArtifacts", {}, async (span) => {
    const plans = planLoads(template, paths);
    for (const plan of plans) {
      if (plan.action === "skip")
        log.info("Skipping input artifact", { name: plan.name, reason: plan.reason });
    }
    const loaded = readLoadedIntoVolumes(paths);
    const loads = plans
      .filter((plan) => plan.action === "load")
      .map((load) => ({ ...load, replace: load.replace || loaded.has(load.target) }));
    if (loads.length === 0) return;
    const begin = (load: Load) => span.addEvent(EVENT.downloadArtifact, { [ATTR.file]: load.name });
    const remember = ({ target, volume }: Load) => volume !== undefined && loaded.add(target);
    span.setAttributes(totals(await loadAll(loads, parts, { begin, remember })));
  });
}

async function loadAll(
  loads: readonly Load[],
  parts: TransferParts,
  { begin, remember }: { begin: (load: Load) => void; remember: (load: Load) => void },
): Promise<TransferReport[]> {
  const siblings = new AbortController();
  const engine = await parts.createEngine({ signal: AbortSignal.any([parts.signal, siblings.signal]) });
  const running: Promise<TransferReport | undefined>[] = [];
  for (const [index, load] of loads.entries()) {
    // What goes into another artifact's directory, or around it, keeps the order of declaration, as upstream's do.
    const before = loads.slice(0, index).flatMap((other, at) => (overlap(load, other) ? [running[at]] : []));
    const loading = Promise.all(before).then(async () => {
      begin(load);
      parts.log.info("Downloading artifact", { name: load.name });
      const report = await loadOne(load, () => engine.load(load), parts);
      if (report) remember(load);
      return report;
    });
    running.push(loading);
  }
  try {
    return (await Promise.all(running)).filter((report) => report !== undefined);
  } catch (reason) {
    siblings.abort(reason);
    await Promise.allSettled(running); // nothing of ours runs after we have thrown
    throw reason;
  }
}

function overlap(a: Load, b: Load): boolean {
  return isWithin(a.target, b.target) || isWithin(b.target, a.target);
}

/** @returns nothing for an optional artifact that does not exist */
async function loadOne(
  load: Load,
  transfer: () => Promise<TransferReport>,
  { log }: Pick<TransferParts, "log">,
): Promise<TransferReport | undefined> {
  const { artifact, name, target } = load;
  try {
    if (load.volume !== undefined) await refuseWayOut(target, load.volume);
    const report = await transfer();
    applyMode(target, artifact);
    log.info("Successfully download file", { path: target });
    return report;
  } catch (error) {
    if (artifact.optional && isNotFound(error)) {
      log.info("Skipping optional input artifact that was not found", { name, error: error as Error });
      return undefined;
    }
    throw loadFailure(name, error);
  }
}

/** Always with the artifact's name: upstream leaves it out when a secret's file is missing or an archive is broken. */
function loadFailure(name: string, error: unknown): Error {
  // It has the name in it.
  if (errorCode(error) === "artifact.unsupported_driver" && error instanceof Error) return error;
  return new ArtifactError(`artifact ${name} failed to load: ${errorMessage(error)}`, {
    code: errorCode(error),
    cause: error,
    ...(error instanceof ArtifactError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
  });
}
