import { readFile } from "node:fs/promises";

/** A part of a git command's work, as git tells it. */
export interface GitPhase {
  name: "connect" | "negotiate" | "receive" | "index" | "checkout" | "filter";
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  objects?: number;
  bytes?: number;
}

/** One line of `GIT_TRACE2_EVENT` (https://git-scm.com/docs/api-trace2), as far as it is of use. */
interface Trace2Line {
  event: string;
  sid: string;
  time: string;
  category?: string;
  label?: string;
  key?: string;
  value?: string;
}

/** What git calls what we tell. A progress is one of its regions. */
const PHASES: Readonly<Record<string, GitPhase["name"]>> = {
  "fetch/remote_refs": "connect",
  "fetch-pack/negotiation_v2": "negotiate",
  "fetch-pack/negotiation_v0_v1": "negotiate",
  "progress/Receiving objects": "receive",
  "progress/Unpacking objects": "receive",
  "progress/Resolving deltas": "index",
  "progress/Updating files": "checkout",
  "progress/Filtering content": "filter",
};

/** What a command and those it started had to tell. */
export interface Trace2 {
  /** In the order in which they ended. */
  phases: GitPhase[];
  /** Whether a server was talked to in git's protocol, in whatever version. */
  hasProtocol: boolean;
}

/** What a command and those it started wrote to their event file. Empty when there is none. */
export async function readTrace2(path: string): Promise<Trace2> {
  try {
    return parseTrace2(await readFile(path, "utf8"));
  } catch {
    return { phases: [], hasProtocol: false }; // what git did matters, not that it told of it
  }
}

/** Lines that are cut or of another kind are passed over. */
export function parseTrace2(text: string): Trace2 {
  const open = new Map<string, GitPhase>();
  const ended: GitPhase[] = [];
  let startMs: number | undefined;
  for (const line of text.split("\n")) {
    const event = parseLine(line);
    if (event === undefined) continue;
    startMs ??= toMs(event.time);
    const phase = open.get(event.sid);
    if (event.event === "region_enter") {
      const name = PHASES[`${event.category}/${event.label}`];
      // Only progress nests in these, and that has no phase of ours within.
      if (name !== undefined) open.set(event.sid, { name, startMs: toMs(event.time), endMs: 0 });
    } else if (event.event === "data" && phase && event.category === "progress") {
      if (event.key === "total_objects") phase.objects = Number(event.value);
      if (event.key === "total_bytes") phase.bytes = Number(event.value);
    } else if (event.event === "region_leave" && phase?.name === PHASES[`${event.category}/${event.label}`]) {
      open.delete(event.sid);
      // git begins to filter in every checkout, mostly nothing.
      if (phase && (phase.name !== "filter" || phase.objects)) {
        ended.push({ ...phase, endMs: toMs(event.time) });
      }
    }
  }
  const hasProtocol = text.includes('"key":"negotiated-version"');
  return { phases: withConnect(untilReceiving(ended), startMs), hasProtocol };
}

function parseLine(line: string): Trace2Line | undefined {
  if (!/"event":"(start"|region_|data")/.test(line)) return undefined;
  try {
    return JSON.parse(line) as Trace2Line;
  } catch {
    return undefined; // the last line of a command that was killed
  }
}

/**
 * git's region of the negotiation ends with the last question. What follows, until the first object comes, is the
 * server putting its answer together: it belongs to the negotiation for whoever waits.
 */
function untilReceiving(phases: readonly GitPhase[]): GitPhase[] {
  return phases.map((phase, index) => {
    const next = phases[index + 1];
    return phase.name === "negotiate" && next?.name === "receive" ? { ...phase, endMs: next.startMs } : phase;
  });
}

/** `git clone` has no region for asking what there is: it is what comes before the negotiation. */
function withConnect(phases: readonly GitPhase[], startMs: number | undefined): GitPhase[] {
  const negotiate = phases.findIndex(({ name }) => name === "negotiate");
  if (negotiate < 0 || startMs === undefined || phases.some(({ name }) => name === "connect"))
    return [...phases];
  const connect: GitPhase = { name: "connect", startMs, endMs: phases[negotiate]?.startMs ?? startMs };
  return phases.toSpliced(negotiate, 0, connect);
}

/** `2026-11-26T09:27:36.610880Z`, to the microsecond. */
function toMs(time: string): number {
  const microseconds = Number(time.slice(23, 26));
  return Date.parse(`${time.slice(0, 23)}Z`) + (Number.isNaN(microseconds) ? 0 : microseconds / 1000);
}
