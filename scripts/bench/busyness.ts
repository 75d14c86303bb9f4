import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

export interface Busyness {
  /** What else runs takes so much that times say little. */
  isBusy: boolean;
  /** For the page. */
  sentence: string;
}

/** The load average still remembers the build that came before the bench; what the processors do now does not. */
const LOOK_MS = 3000;
/** Of one processor. */
const BUSY_FROM = 0.2;

/** Does nothing for three seconds and sees how busy the processors are with others, stolen time of a virtual one included. */
export async function lookAtMachine(): Promise<Busyness> {
  const before = readBusySeconds();
  await delay(LOOK_MS);
  const share = ((readBusySeconds() - before) * 1000) / LOOK_MS;
  const facts = `others kept ${share.toFixed(1)} of ${availableParallelism()} processors busy, load average ${loadavg()[0]?.toFixed(1)}`;
  const isBusy = share > BUSY_FROM;
  return {
    isBusy,
    sentence: isBusy
      ? `**The machine was not quiet** at the start: ${facts}. Times are too long; CPU seconds and memory say more.`
      : `The machine was quiet at the start: ${facts}.`,
  };
}

/** Of all processors together (proc(5)): user, nice, system, irq, softirq and steal, in hundredths of a second. */
function readBusySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync(
    "/proc/stat",
    "utf8",
  )
    .slice("cpu ".length, 400)
    .trim()
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / 100;
}
