import { createPaths, type Template } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { artifactPlace, parameterPlace } from "./output-place.ts";

const options = { paths: createPaths("/"), initless: false };
const template: Template = {
  container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
  inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "x" } }] },
};

describe("artifactPlace", () => {
  it("is the front's archive for a path of the image", () => {
    expect(artifactPlace(template, "/tmp/dir/", options)).toMatchObject({
      baseImage: true,
      path: "/var/run/argo/outputs/artifacts/tmp/dir.tgz",
    });
  });

  it("is the mirror for a path in a volume or on an input artifact", () => {
    for (const path of ["/work/out", "/in", "/in/below"]) {
      expect(artifactPlace(template, path, options)).toMatchObject({
        baseImage: false,
        path: `/mainctrfs${path}`,
      });
    }
  });

  it("is the front's archive for a path on an input artifact of an init-less pod", () => {
    expect(artifactPlace(template, "/in", { ...options, initless: true }).baseImage).toBe(true);
  });
});

describe("parameterPlace", () => {
  it("is the front's copy for a path of the image", () => {
    expect(parameterPlace(template, "/tmp/p", options)).toMatchObject({
      path: "/var/run/argo/outputs/parameters/tmp/p",
    });
  });
});
