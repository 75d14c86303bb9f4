import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiServer } from "../cluster/api-server.ts";
import { type CreatedPod, createKubelet, type Kubelet } from "./kubelet.ts";
import type { Podman } from "./podman.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", uid: "u", namespace: "n", labels: {}, annotations: {}, ownerReferences: [] },
  spec: {
    volumes: [],
    containers: [
      { name: "main", image: "m", command: ["m"] },
      { name: "wait", image: "e", command: ["e"] },
    ],
    restartPolicy: "Never",
    serviceAccountName: "s",
  },
} satisfies CreatedPod;
const INSPECTED = JSON.stringify([
  { State: { ExitCode: 137, OOMKilled: false, StartedAt: "then", FinishedAt: "now" } },
]);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-kubelet-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** An engine whose containers run until they are killed; what it is asked for is written down. */
function engine(userOf: Podman["userOf"]): Podman & { asked: string[] } {
  const asked: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    asked,
    userOf,
    async run(...args) {
      asked.push(args.join(" "));
      return INSPECTED;
    },
    async try(...args) {
      asked.push(args.join(" "));
      if (args[0] === "kill") ends.get(args.at(-1) ?? "")?.();
      return { exitCode: 0, stdout: "", stderr: "" };
    },
    async start({ name }) {
      asked.push(`start ${name}`);
      return { pid: 1, ended: new Promise((resolve) => ends.set(name, resolve)) };
    },
    async removeAll() {},
  };
}

function kubeletWith(podman: Podman): Kubelet {
  const api = { port: 1 } as ApiServer; // not asked for a pod without volumes
  return createKubelet({ api, podman, directory, imageRoot: async () => "" });
}

describe("a pod that is removed before all of its containers have been started", () => {
  it("goes although none could be: an engine that is given no names refuses, and the suite ended", async () => {
    const podman = engine(async () => {
      throw new Error("no such image");
    });
    const kubelet = kubeletWith(podman);
    await kubelet.remove(await kubelet.adopt(pod));
    expect(podman.asked).toEqual([]);
    expect(existsSync(kubelet.directoryOf("p"))).toBe(false);
  });

  it("starts no more of them: nobody would have ended those", async () => {
    const user = Promise.withResolvers<string>();
    const podman = engine(() => user.promise);
    const kubelet = kubeletWith(podman);
    const running = await kubelet.adopt(pod);
    const removed = kubelet.remove(running);
    user.resolve("");
    await removed;
    await running.end;
    expect(podman.asked.filter((each) => /^(start|rm) /.test(each))).toEqual([
      "start p_main",
      "rm --force --ignore --time 0 p_main",
    ]);
  });
});
