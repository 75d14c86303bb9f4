import { describe, expect, it } from "vitest";
import type { Container, Pod } from "../controller/pod.ts";
import { containerFlags, expandReferences, refuseRoot } from "./container-flags.ts";

const POD = {
  metadata: { name: "p", namespace: "argo", uid: "u-1", labels: {}, annotations: {}, ownerReferences: [] },
  spec: { volumes: [], containers: [], restartPolicy: "Never", serviceAccountName: "s" },
} as unknown as Pod;

function flagsOf(container: Partial<Container>, pod = POD): string[] {
  return containerFlags(pod, { name: "main", image: "image", ...container }, { apiPort: 6443 });
}

describe("expandReferences", () => {
  it.each([
    ["$(A) and $(B)", "one and $(B)"],
    ["$$(A)", "$(A)"],
    ["$A $(ls) $", "$A $(ls) $"],
  ])("makes of %j %j, as Kubernetes does", (text, expected) => {
    expect(expandReferences(text, { A: "one" })).toBe(expected);
  });
});

describe("containerFlags", () => {
  it("fills in fields of the pod, and lets the last of two variables count", () => {
    const flags = flagsOf({
      env: [
        { name: "UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
        { name: "TWICE", value: "first" },
        { name: "TWICE", value: "$(UID)" },
      ],
    });
    expect(flags).toContain("--env=UID=u-1");
    expect(flags.filter((flag) => flag.startsWith("--env=TWICE"))).toEqual(["--env=TWICE=u-1"]);
  });

  it("hands over command, arguments and rights", () => {
    const flags = flagsOf({
      command: ["sh", "-c"],
      args: ["echo it's $(NOBODY)"],
      securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
      resources: { limits: { memory: "64Mi" } },
    });
    expect(flags).toEqual(
      expect.arrayContaining(["--read-only", "--cap-drop=ALL", `--memory=${64 * 2 ** 20}`]),
    );
    expect(flags.slice(-3)).toEqual(['--entrypoint=["sh","-c"]', "image", "echo it's $(NOBODY)"]);
  });

  it("prefers the container's user to the pod's, and adds the pod's group", () => {
    const pod = { ...POD, spec: { ...POD.spec, securityContext: { runAsUser: 1, fsGroup: 7 } } };
    const flags = flagsOf({ securityContext: { runAsUser: 2, runAsGroup: 3 } }, pod);
    expect(flags).toEqual(expect.arrayContaining(["--user=2:3", "--group-add=7"]));
  });
});

describe("refuseRoot", () => {
  const container = { name: "main", image: "image", securityContext: { runAsNonRoot: true } };

  it.each(["", "0", "root", "nobody"])("refuses an image whose user is %j", (user) => {
    expect(() => refuseRoot(POD, container, user)).toThrow("must not run as root");
  });

  it("takes a number that is not root's, of the image or of the pod", () => {
    refuseRoot(POD, container, "8737:8737");
    refuseRoot(POD, { ...container, securityContext: { runAsNonRoot: true, runAsUser: 1 } }, "");
    refuseRoot(POD, { name: "main", image: "image" }, "0");
  });
});
