import { describe, expect, it } from "vitest";
import { REPOSITORY, run } from "./run-scripted.ts";

describe("archiveLogs", () => {
  const wanted = async (template: string, spec: string, repository?: boolean): Promise<unknown> => {
    const { pods } = await run(
      `- {name: main, archiveLocation: ${template}, container: {command: [x]}}`,
      { repository: { ...REPOSITORY, ...(repository === undefined ? {} : { archiveLogs: repository }) } },
      spec,
    );
    return pods[0]?.template.archiveLocation?.archiveLogs ?? false;
  };

  it.each([
    ["the workflow's wish", "{}", "archiveLogs: true", undefined, true],
    [
      "the template's no over the workflow's yes",
      "{archiveLogs: false}",
      "archiveLogs: true",
      undefined,
      false,
    ],
    [
      "the template's yes over the workflow's no",
      "{archiveLogs: true}",
      "archiveLogs: false",
      undefined,
      true,
    ],
    ["the repository's yes over every no", "{archiveLogs: false}", "archiveLogs: false", true, true],
    ["the workflow's yes over the repository's no", "{}", "archiveLogs: true", false, true],
    [
      "a whole location's own silence over every yes",
      "{s3: {endpoint: e, bucket: b, key: k}}",
      "archiveLogs: true",
      true,
      false,
    ],
  ])("takes %s", async (_what, template, spec, repository, expected) => {
    expect(await wanted(template, spec, repository)).toBe(expected);
  });
});
