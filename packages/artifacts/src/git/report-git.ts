import { ATTR, EVENT } from "@skein/telemetry";
import type { Transfer } from "../transfer.ts";
import type { GitReporter } from "./git-work.ts";

/** Beyond these the span has no events of submodules' phases any more; a repository may have hundreds of them. */
const MAX_EVENTS = 512;

type Phase = Parameters<GitReporter["phases"]>[0][number];
type About = Parameters<GitReporter["phases"]>[1];

/** What came from servers, as far as git tells it. */
export interface Received {
  /** In packs; git does not tell of very small ones, and of those that it fetches by itself. */
  packBytes: number;
  /** Of large files (LFS). */
  fileBytes: number;
  /** Whether objects came from this machine's own copy, too. */
  hasMirror: boolean;
}

/** Tells the artifact's span what git does, and counts what comes. */
export function createReporter(transfer: Transfer): { reporter: GitReporter; received: Received } {
  const received: Received = { packBytes: 0, fileBytes: 0, hasMirror: false };
  let events = 0;
  const tell = (phase: Phase, { submodule, mirror }: About): void => {
    const { name, startMs, endMs } = phase;
    const { objects, bytes } = phase.name === "submodule" ? {} : phase;
    if (name === "filter") received.fileBytes += bytes ?? 0;
    if (name === "receive" && mirror !== undefined) received.hasMirror = true;
    else if (name === "receive") received.packBytes += bytes ?? 0;
    if (++events > MAX_EVENTS) return;
    const attributes = {
      [ATTR.gitPhase]: name,
      [ATTR.gitDuration]: (endMs - startMs) / 1000,
      [ATTR.gitObjects]: objects,
      [ATTR.gitBytes]: bytes,
      [ATTR.gitSubmodule]: submodule,
      [ATTR.gitMirror]: mirror,
    };
    transfer.event(EVENT.gitPhase, attributes, endMs);
  };
  const reporter: GitReporter = {
    phases(phases, about) {
      for (const phase of phases) tell(phase, about);
    },
    fallback(reason, { submodule, mirror }) {
      const attributes = {
        [ATTR.gitReason]: reason,
        [ATTR.gitSubmodule]: submodule,
        [ATTR.gitMirror]: mirror,
      };
      transfer.event(EVENT.gitFallback, attributes);
    },
    mirror(directory) {
      received.hasMirror = true;
      transfer.annotate({ [ATTR.gitMirror]: directory });
    },
    warn: (message) => transfer.warn(message),
  };
  return { reporter, received };
}
