import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports from which Linux takes those of outgoing connections (ip_local_port_range, 32768 and up): one of those
 * that was free a moment ago is somebody's the next, on a busy machine.
 */
const LOWEST = 12_000;
const HIGHEST = 32_000;

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().on("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
