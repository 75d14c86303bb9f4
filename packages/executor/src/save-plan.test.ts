import { type Artifact, createPaths, parseTemplate, type Template } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { artifactPlace } from "./output-place.ts";
import { planSave } from "./save-plan.ts";

const options = { paths: createPaths("/"), initless: false };
const repository = { s3: { endpoint: "s3:9000", bucket: "b", key: "wf/pod" } };
const mounted = { volumeMounts: [{ name: "w", mountPath: "/work" }] };

function plan(artifact: Partial<Artifact>, rest: Partial<Template> = { archiveLocation: repository }) {
  const declared: Artifact = { name: "out", path: "/tmp/out.txt", ...artifact };
  const template = parseTemplate(JSON.stringify({ container: mounted, ...rest }), "the test");
  const path = declared.path ?? "";
  return planSave(declared, template, { path, place: artifactPlace(template, path, options) });
}

describe("planSave", () => {
  it("sends what the front packed, and reports the key alone", () => {
    expect(plan({})).toEqual({
      artifact: {
        name: "out",
        path: "/tmp/out.txt",
        s3: { endpoint: "s3:9000", bucket: "b", key: "wf/pod/out.tgz" },
      },
      reported: { name: "out", path: "/tmp/out.txt", s3: { key: "wf/pod/out.tgz" } },
      source: {
        kind: "packed",
        tgz: "/var/run/argo/outputs/artifacts/tmp/out.txt.tgz",
        basename: "out.txt",
      },
    });
  });

  it("sends a path in a volume from the volume", () => {
    expect(plan({ path: "/work/out" }).source).toEqual({ kind: "path", path: "/mainctrfs/work/out" });
  });

  it.each<[Partial<Artifact>, string]>([
    [{}, "wf/pod/out.tgz"],
    [{ archive: { tar: { compressionLevel: 9 } } }, "wf/pod/out.tgz"],
    [{ archive: { zip: {} } }, "wf/pod/out.zip"],
    [{ archive: { none: {} } }, "wf/pod/out.txt"],
    [{ archive: {} }, "wf/pod/out.txt"],
    [{ archive: {}, path: "/work/out.txt" }, "wf/pod/out.tgz"],
  ])("names the object of %j %s", (artifact, key) => {
    expect(plan(artifact).reported.s3).toEqual({ key });
  });

  it("uploads an empty archive object as none from the image, as a tar of level 0 from a volume [compat 13]", () => {
    expect(plan({ archive: {} }).artifact.archive).toEqual({ none: {} });
    expect(plan({ archive: {} }).reported.archive).toEqual({});
    expect(plan({ archive: {}, path: "/work/out.txt" }).artifact.archive).toEqual({});
  });

  it("uses a key that is given as it is, in the repository or in a location of its own", () => {
    const keyOnly = { s3: { key: "my/key" } };
    expect(plan(keyOnly)).toMatchObject({
      artifact: { s3: { endpoint: "s3:9000", bucket: "b", key: "my/key" } },
      reported: keyOnly,
    });
    const own = { s3: { endpoint: "other:9000", bucket: "c", key: "dir/" } };
    expect(plan(own)).toMatchObject({ artifact: own, reported: own });
  });

  it("replaces a location that has no key", () => {
    const { reported, artifact } = plan({ gcs: { bucket: "half", key: "" } });
    expect(reported).toEqual({ name: "out", path: "/tmp/out.txt", s3: { key: "wf/pod/out.tgz" } });
    expect(artifact).not.toHaveProperty("gcs");
  });

  it("reports the path of the URL alone for an http repository [fix 41]", () => {
    const archiveLocation = { http: { url: "http://files:8080/wf/pod" } };
    expect(plan({}, { archiveLocation })).toMatchObject({
      artifact: { http: { url: "http://files:8080/wf/pod/out.tgz" } },
      reported: { http: { url: "/wf/pod/out.tgz" } },
    });
  });

  it.each<[string, Partial<Template>, string]>([
    [
      "without a repository",
      {},
      "key unsupported: cannot get key for artifact location, because it is invalid",
    ],
    [
      "with a repository that stores nothing",
      { archiveLocation: { archiveLogs: true } },
      "artifact storage is not configured; see the docs for setup instructions: " +
        "https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/",
    ],
    [
      "with a git repository",
      { archiveLocation: { git: { repo: "https://g/r" } } },
      "key unsupported: git artifact does not have a key",
    ],
    [
      "with a raw repository",
      { archiveLocation: { raw: { data: "x" } } },
      "key unsupported: raw artifat does not have key",
    ],
  ])("refuses an output %s, in upstream's words", (_which, rest, message) => {
    expect(() => plan({}, rest)).toThrow(expect.objectContaining({ message }));
  });

  it("leaves it to the driver to say that git cannot save", () => {
    const git = { repo: "https://g/r" };
    expect(plan({ git }).artifact).toMatchObject({ git });
  });
});
