import { describe, expect, it } from "vitest";
import { killCommand } from "./kill.ts";
import type { Container, Pod } from "./pod.ts";

function podWith(annotations: Record<string, string> = {}): Pod {
  return { metadata: { annotations } } as Pod;
}

function container(name: string, ...mountPaths: string[]): Container {
  return { name, image: "x", volumeMounts: mountPaths.map((mountPath) => ({ name: "v", mountPath })) };
}

describe("killCommand (contract §18)", () => {
  it.each([
    [container("wait", "/var/run/argo"), ["argoexec", "kill", "15", "1"]],
    [container("supervisor", "/var/run/argo"), ["argoexec", "kill", "15", "1"]],
    [container("main", "/argo-bin", "/var/run/argo"), ["/argo-bin/bin/argoexec", "kill", "15", "1"]],
    [container("main", "/var/run/argo"), ["/var/run/argo/argoexec", "kill", "15", "1"]],
    [container("stranger"), ["/bin/sh", "-c", "kill -15 1"]],
  ])("for %j", (of, expected) => {
    expect(killCommand(podWith(), of, 15)).toEqual(expected);
  });

  it("is the author's when the pod says so", () => {
    const pod = podWith({ "workflows.argoproj.io/kill-cmd-main": '["stop", "--signal", "%d"]' });
    expect(killCommand(pod, container("main", "/var/run/argo"), 9)).toEqual(["stop", "--signal", "9"]);
  });
});
