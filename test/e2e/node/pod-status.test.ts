import { describe, expect, it } from "vitest";
import type { Pod } from "../controller/pod.ts";
import { podStatus } from "./pod-status.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", labels: {}, annotations: {}, ownerReferences: [] },
  spec: {
    volumes: [],
    initContainers: [{ name: "init", image: "e" }],
    containers: [
      { name: "wait", image: "e" },
      { name: "main", image: "m" },
    ],
    restartPolicy: "Never",
    serviceAccountName: "s",
  },
};
const at = "2026-01-01T00:00:00Z";
const ended = { exitCode: 3, reason: "Error", message: "m", startedAt: at, finishedAt: at } as const;

describe("podStatus", () => {
  it("is Pending until a container of the pod's own runs", () => {
    expect(podStatus(pod, { started: { init: at }, terminated: {} })).toMatchObject({
      phase: "Pending",
      initContainerStatuses: [{ name: "init", ready: true, state: { running: { startedAt: at } } }],
      containerStatuses: [
        { name: "main", ready: false, state: { waiting: { reason: "PodInitializing" } } },
        { name: "wait", state: { waiting: {} } },
      ],
    });
  });

  it("is Running from then on, with what has ended", () => {
    const progress = {
      started: { init: at, main: at },
      terminated: { init: { ...ended, exitCode: 0 }, main: ended },
    };
    expect(podStatus(pod, progress)).toMatchObject({
      phase: "Running",
      initContainerStatuses: [{ state: { terminated: { exitCode: 0 } } }],
      containerStatuses: [{ name: "main", ready: false, state: { terminated: ended } }, { name: "wait" }],
    });
  });

  it("ends with what the kubelet says of the end", () => {
    const end = { phase: "Failed", reason: "DeadlineExceeded", message: "late", containers: {} } as const;
    expect(podStatus(pod, { started: {}, terminated: {}, end })).toMatchObject({
      phase: "Failed",
      reason: "DeadlineExceeded",
      message: "late",
    });
  });
});
