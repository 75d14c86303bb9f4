import { type ArtifactTransfer, type PartName, partsOf, wholeSeconds } from "./artifact-transfer.ts";
import { formatFactor, formatRate, formatSeconds } from "./html/format.js";
import { longestStages, STAGE_PHRASES } from "./verdict.ts";

/** Below this many seconds both ways, a factor between two transfers is noise. */
const NOTHING_TO_GAIN_SECONDS = 0.05;
/** Within this factor two durations count as the same. */
const ABOUT_EQUAL = 1.2;
/** A stage is worth naming when it explains at least this share of the difference. */
const WORTH_NAMING = 0.15;

/** Everything that was moved to or from one place, the saves first. */
export interface TransferComparison {
  /** `s3://bucket/key`, `https://…/repo.git@main`; empty when the trace does not say where. */
  readonly object: string;
  /** The artifact's names, of which a load may give another than the save. */
  readonly names: readonly string[];
  readonly transfers: readonly ArtifactTransfer[];
  /** Seconds of the slowest load per second of the save; absent unless both succeeded. */
  readonly loadPerSave?: number;
  /** One or two sentences that answer: why did this take as long as it did? */
  readonly answer: string;
}

/** Sets the loads and saves of the same object side by side, in the order in which the objects first appear. */
export function compareTransfers(transfers: readonly ArtifactTransfer[]): TransferComparison[] {
  const byObject = new Map<string, ArtifactTransfer[]>();
  for (const transfer of transfers) {
    // What has no known place is compared with nothing, not with everything else of unknown place.
    const key = transfer.object || `span:${transfer.traceId}/${transfer.spanId}`;
    const same = byObject.get(key);
    if (same) same.push(transfer);
    else byObject.set(key, [transfer]);
  }
  return [...byObject.values()].map(compareObject);
}

function compareObject(transfers: readonly ArtifactTransfer[]): TransferComparison {
  const saves = transfers.filter((transfer) => transfer.direction === "save");
  const loads = transfers.filter((transfer) => transfer.direction === "load");
  const save = slowestSuccess(saves);
  const load = slowestSuccess(loads);
  const facts = {
    object: transfers[0]?.object ?? "",
    names: [...new Set([...saves, ...loads].map((transfer) => transfer.name))],
    transfers: [...saves, ...loads],
  };
  const failed = transfers.filter((transfer) => transfer.error).map(failureSentence);
  if (!save || !load) {
    const only = load ?? save;
    return { ...facts, answer: [...failed, ...(only ? [capital(sentence(only.verdict))] : [])].join(" ") };
  }
  const answer = [...failed, ...whyDifferent(save, load, loads.filter((other) => !other.error).length)];
  const saving = wholeSeconds(save);
  const loadPerSave = saving > 0 ? { loadPerSave: wholeSeconds(load) / saving } : {};
  return { ...facts, ...loadPerSave, answer: answer.join(" ") };
}

function slowestSuccess(transfers: readonly ArtifactTransfer[]): ArtifactTransfer | undefined {
  const done = transfers.filter((transfer) => !transfer.error);
  return done.toSorted((a, b) => wholeSeconds(b) - wholeSeconds(a))[0];
}

function failureSentence({ direction, name, seconds, error }: ArtifactTransfer): string {
  const why = [error?.type, error?.message].filter(Boolean).join(": ");
  const what = `${direction === "load" ? "Loading" : "Saving"} ${name} failed after ${formatSeconds(seconds)}`;
  return sentence(why ? `${what}: ${why}` : what);
}

function whyDifferent(save: ArtifactTransfer, load: ArtifactTransfer, loads: number): string[] {
  const [saving, loading] = [wholeSeconds(save), wholeSeconds(load)];
  if (Math.max(saving, loading) < NOTHING_TO_GAIN_SECONDS) {
    return [`Under ${formatSeconds(NOTHING_TO_GAIN_SECONDS)} both ways: nothing to gain here.`];
  }
  const [slow, fast] = loading >= saving ? [load, save] : [save, load];
  const [longer, shorter] = [Math.max(saving, loading), Math.min(saving, loading)];
  const verb = (transfer: ArtifactTransfer) => (transfer === load ? "loading" : "saving");
  const which = slow === load && loads > 1 ? `, the slowest of ${loads} loads,` : "";
  const durations = `${formatSeconds(longer)}${which} against ${formatSeconds(shorter)}`;
  if (longer <= shorter * ABOUT_EQUAL) {
    return [
      `Loading and saving took about as long (${durations}).`,
      `${capital(verb(slow))}: ${sentence(slow.verdict)}`,
    ];
  }
  const factor = formatFactor(longer / shorter);
  const why = whereTheExtraWent(slow, fast, verb(fast));
  return [
    `${capital(verb(slow))} took ${factor} as long as ${verb(fast)} (${durations})${why ? `: it spent ${why}` : ""}.`,
    sentence(capital(slow.verdict)),
  ];
}

/** What a codec does in one direction has its counterpart in the other; it counts as one. */
const CODEC_STAGES: ReadonlySet<PartName> = new Set<PartName>(["packing", "compress", "decompress"]);

/** The stages that explain the difference. */
function whereTheExtraWent(slow: ArtifactTransfer, fast: ArtifactTransfer, fastVerb: string): string {
  const extra = wholeSeconds(slow) - wholeSeconds(fast);
  const partOf = (transfer: ArtifactTransfer, part: PartName): number => partsOf(transfer)[part] ?? 0;
  const secondsOf = (transfer: ArtifactTransfer, stage: PartName): number =>
    CODEC_STAGES.has(stage)
      ? [...CODEC_STAGES].reduce((sum, codec) => sum + partOf(transfer, codec), 0)
      : partOf(transfer, stage);
  const longest = longestStages(partsOf(slow)).map(({ stage }) => stage);
  const codec = longest.find((stage) => CODEC_STAGES.has(stage));
  const named = longest
    .filter((stage) => stage !== "other" && (!CODEC_STAGES.has(stage) || stage === codec))
    .map((stage) => ({ stage, more: secondsOf(slow, stage) - secondsOf(fast, stage) }))
    .filter(({ more }) => more >= extra * WORTH_NAMING)
    .sort((a, b) => b.more - a.more);
  const parts = named.map(({ stage, more }) => {
    const rates =
      stage === "network" && slow.bytes > 0 && fast.bytes > 0
        ? ` (${formatRate(slow.bytes / slow.seconds)}; ${fastVerb} moved ${formatRate(fast.bytes / fast.seconds)})`
        : "";
    return `${formatSeconds(more)} more ${STAGE_PHRASES[stage]}${rates}`;
  });
  return listOf(parts);
}

function listOf(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
