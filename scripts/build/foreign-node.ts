import { execFileSync } from "node:child_process";
import type { Architecture } from "./architecture.ts";

/**
 * How a tree's Node.js is run on this machine, as a command before it: as it is, or by qemu when it is for another one.
 * Undefined when it cannot be run.
 */
export function findRunner({ gnu }: Architecture, node: string): readonly string[] | undefined {
  const candidates = [
    [],
    ...[`qemu-${gnu}`, `qemu-${gnu}-static`].flatMap((qemu) => [
      [qemu],
      [qemu, "-L", `/usr/${gnu}-linux-gnu`],
    ]),
  ];
  return candidates.find((runner) => {
    const [program = "", ...argv] = [...runner, node, "--version"];
    try {
      execFileSync(program, argv, { stdio: "ignore" });
      return true;
    } catch {
      return false; // no such program, or not for this machine, or without its libraries
    }
  });
}

/** What that means and how it can be had. */
export function noRunner({ go, gnu }: Architecture): string {
  return (
    `build: nothing here runs programs for ${go}, so its core has no code caches and starts more slowly. ` +
    `A machine of that kind makes them, or qemu with the libraries of Node.js ` +
    `(Debian: apt-get install qemu-user-static libstdc++6-${gnu === "aarch64" ? "arm64" : "amd64"}-cross)\n`
  );
}
