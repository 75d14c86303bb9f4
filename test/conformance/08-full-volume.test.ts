import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { output, SAYS, said, sh, sharedText } from "./support/builders.ts";
import { type ConformanceCase, conformance, type Expectation, expectEnd } from "./support/conformance.ts";

/** Room for the executor's front, and for little else. */
const SIZE = "8m";
const FILL = "dd if=/dev/zero of=/var/run/argo/fill bs=64k 2>/dev/null || true";

/** A pod whose shared volume is as small as an emptyDir with a sizeLimit in memory, or a node's disk that is full. */
const tight = (
  section: string,
  statement: string,
  pod: (cluster: Cluster) => PodRequest,
  expected: Expectation,
  check: (end: PodEnd) => void = () => {},
  pitfall?: number,
): ConformanceCase => ({
  section,
  statement,
  ...(pitfall === undefined ? {} : { pitfall }),
  impossible: process.getuid?.() === 0 ? undefined : "only root can make a volume of a given size",
  run: async (cluster) => {
    let volume: string | undefined;
    try {
      const end = await runPod(cluster, {
        ...pod(cluster),
        prepare: ({ shared }) => {
          volume = shared(".");
          execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE},mode=0777`, "tmpfs", volume]);
        },
      });
      expectEnd(end, expected, cluster);
      check(end);
    } finally {
      if (volume !== undefined) execFileSync("umount", ["--lazy", volume]);
    }
  },
});

const cases: ConformanceCase[] = [
  tight(
    "7",
    "a shared volume that main has filled still takes the exit code, and the report is completed",
    () => ({ template: { container: {} }, argv: sh(`${FILL}; exit 3`) }),
    { exitCodes: { main: 3 } },
    (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("3"),
  ),
  tight(
    "7",
    "a success of a command that has filled the shared volume is one, and its exit code is there",
    () => ({ template: { container: {} }, argv: sh(FILL) }),
    {},
    (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("0"),
  ),
  tight(
    "7.4",
    "an output for which the shared volume has no room fails main and wait by name; nothing of it is saved",
    (cluster) => ({
      template: {
        container: {},
        outputs: { ...SAYS.outputs, artifacts: [output("big", "/tmp/big")] },
        archiveLocation: cluster.repository("tight"),
      },
      argv: sh("echo v >/tmp/p; head -c 12000000 /dev/urandom >/tmp/big"),
    }),
    {
      exitCodes: { main: 64, wait: 64 },
      messages: {
        main: /^failed to tarball the output \/tmp\/big to .*no space left on device/,
        wait: /^artifact big failed to save: .*no such file or directory/,
      },
      outputs: said("v"),
      objects: { "tight/big.tgz": null },
    },
    (end) => expect(existsSync(end.shared("outputs/artifacts/tmp/big.tgz"))).toBe(false),
    32,
  ),
  tight(
    "7.1",
    "output that cannot be captured for want of room is an error of a command that succeeded",
    () => ({
      template: { container: {} },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      argv: sh("head -c 12000000 /dev/zero | tr '\\0' x"),
    }),
    { exitCodes: { main: 64 }, messages: { main: /^failed to capture output: .*no space left on device/ } },
    (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("64"),
  ),
  tight(
    "7.1",
    "output that cannot be captured for want of room does not hide the command's own failure",
    () => ({
      template: { container: {} },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      argv: sh("head -c 12000000 /dev/zero | tr '\\0' x; exit 5"),
    }),
    { exitCodes: { main: 5 } },
    (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("5"),
  ),
];

conformance("a shared volume that is full", cases);
