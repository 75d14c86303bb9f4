import { describe, expect, it } from "vitest";
import {
  driverType,
  getKey,
  hasKey,
  hasLocation,
  keyOnlyLocation,
  locationType,
  relocate,
  withKey,
} from "./artifact-location.ts";

const REPOSITORY = {
  archiveLogs: true,
  s3: { endpoint: "s3:9000", bucket: "b", insecure: true, key: "wf/pod" },
};

describe("locationType and driverType", () => {
  it("choose differently when an artifact has two locations", () => {
    const both = { s3: { key: "k" }, http: { url: "http://x/y" } };
    expect(locationType(both)).toBe("http");
    expect(driverType(both)).toBe("s3");
  });
});

describe("hasLocation", () => {
  it("needs endpoint, bucket and key of an S3 location", () => {
    expect(hasLocation({ s3: { key: "k" } })).toBe(false);
    expect(hasLocation({ s3: { endpoint: "e", bucket: "b", key: "k" } })).toBe(true);
  });

  it("does not take the path of an http repository for a URL (§22.41)", () => {
    expect(hasLocation({ http: { url: "/wf/pod/x.tgz" } })).toBe(false);
    expect(hasLocation({ http: { url: "http://host/x.tgz" } })).toBe(true);
  });
});

describe("getKey", () => {
  it("is the path of the URL for URL types", () => {
    expect(getKey({ artifactory: { url: "https://host/repo/a%20b" } })).toBe("/repo/a b");
    expect(hasKey({ git: { repo: "r" } })).toBe(false);
  });
});

describe("withKey", () => {
  it("puts a key into the URL of the repository", () => {
    expect(withKey({ http: { url: "https://host/old" } }, "wf/pod/x.tgz").http?.url).toBe(
      "https://host/wf/pod/x.tgz",
    );
  });

  it("refuses git and raw in upstream's words", () => {
    expect(() => withKey({ git: { repo: "r" } }, "k")).toThrow(
      "key unsupported: git artifact does not have a key",
    );
    expect(() => withKey({ raw: { data: "" } }, "k")).toThrow(
      "key unsupported: raw artifat does not have key",
    );
  });
});

describe("keyOnlyLocation", () => {
  it("holds the key and nothing else of the repository", () => {
    expect(keyOnlyLocation(REPOSITORY, "wf/pod/out.tgz")).toEqual({ s3: { key: "wf/pod/out.tgz" } });
    expect(keyOnlyLocation({ artifactory: { url: "https://h/r" } }, "wf/x.tgz")).toEqual({
      artifactory: { url: "/wf/x.tgz" },
    });
  });

  it("says what is missing when there is no repository", () => {
    expect(() => keyOnlyLocation(undefined, "k")).toThrow(/cannot get key for artifact location/);
    expect(() => keyOnlyLocation({ archiveLogs: true }, "k")).toThrow(/^artifact storage is not configured/);
  });
});

describe("relocate", () => {
  it("gives a key-only artifact the repository and keeps its own key", () => {
    const located = relocate({ name: "x", path: "/x", s3: { key: "mine" } }, REPOSITORY);
    expect(located.s3).toEqual({ endpoint: "s3:9000", bucket: "b", insecure: true, key: "mine" });
    expect(located.name).toBe("x");
  });

  it("leaves an artifact with a location of its own alone", () => {
    const artifact = { name: "x", git: { repo: "https://host/r" } };
    expect(relocate(artifact, REPOSITORY)).toBe(artifact);
  });

  it("puts the key of a key-only http artifact behind the repository's host", () => {
    const located = relocate({ name: "x", http: { url: "/a/b" } }, { http: { url: "https://host/base" } });
    expect(located.http?.url).toBe("https://host/a/b");
  });

  it("fails without a repository", () => {
    expect(() => relocate({ name: "x", s3: { key: "k" } }, undefined)).toThrow(
      "template artifact location not set",
    );
  });
});
