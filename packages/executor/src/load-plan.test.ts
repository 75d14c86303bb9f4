import { type Artifact, createPaths, parseTemplate, type Template } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { planLoads } from "./load-plan.ts";

const paths = createPaths("/");
const s3 = { endpoint: "s3:9000", bucket: "b", key: "k" };

function plan(artifact: Partial<Artifact>, rest: Partial<Template> = {}) {
  const template = { inputs: { artifacts: [{ name: "x", path: "/in/x", ...artifact }] }, ...rest };
  return planLoads(parseTemplate(JSON.stringify(template), "the test"), paths)[0];
}

describe("planLoads", () => {
  it("puts an artifact where the controller mounts it from, by its name", () => {
    expect(plan({ s3 })).toEqual({
      action: "load",
      name: "x",
      artifact: { name: "x", path: "/in/x", s3 },
      target: "/argo/inputs/artifacts/x",
      replace: true,
    });
  });

  it("puts an artifact inside a user volume into the volume's mirror", () => {
    const container = { volumeMounts: [{ name: "work", mountPath: "/work" }] };
    expect(plan({ s3, path: "/work/deep/x" }, { container })).toMatchObject({
      target: "/mainctrfs/work/deep/x",
      replace: false,
    });
    expect(plan({ s3, path: "/workshop/x" }, { container })).toMatchObject({
      target: "/argo/inputs/artifacts/x",
    });
  });

  it("gives a key-only artifact the template's repository", () => {
    const archiveLocation = { s3: { endpoint: "s3:9000", bucket: "b", key: "wf/pod", insecure: true } };
    expect(plan({ s3: { key: "wf/other/x.tgz" } }, { archiveLocation })).toMatchObject({
      artifact: { s3: { endpoint: "s3:9000", bucket: "b", key: "wf/other/x.tgz", insecure: true } },
    });
  });

  it("skips an optional artifact that nobody supplied, whatever its path", () => {
    expect(plan({ optional: true, path: "" })).toMatchObject({ action: "skip" });
  });

  it.each<[string, Partial<Artifact>, string]>([
    ["without location", {}, "required artifact 'x' not supplied"],
    [
      "with a key and no repository",
      { s3: { key: "k" } },
      "failed to load artifact 'x': template artifact location not set",
    ],
    ["without a path", { s3, path: "" }, "Artifact 'x' did not specify a path"],
    [
      "that climbs",
      { s3, path: "/a/../../etc" },
      "Artifact 'x' attempted to use a path containing '..'. Directory traversal is not permitted",
    ],
    ["whose name climbs", { s3, name: "../x" }, "artifact name '../x' cannot be used as a file name"],
    ["whose name is a dot", { s3, name: "." }, "artifact name '.' cannot be used as a file name"],
  ])("refuses an artifact %s", (_which, artifact, message) => {
    expect(() => plan(artifact)).toThrow(expect.objectContaining({ message }));
  });

  it("complains before anything is loaded, about the first one in the order of declaration", () => {
    const artifacts = [{ name: "ok", path: "/ok", s3 }, { name: "first", path: "/f" }, { name: "second" }];
    expect(() => planLoads({ inputs: { artifacts } }, paths)).toThrow("required artifact 'first'");
  });
});
