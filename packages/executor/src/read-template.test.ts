import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTemplate } from "./read-template.ts";
import { put, temporaryPaths } from "./test-support.ts";

describe("readTemplate", () => {
  it("takes the variable before the file", async () => {
    const at = await temporaryPaths();
    await put(at.template, '{"name":"file"}');
    expect(await readTemplate({ template: '{"name":"variable"}' }, at)).toMatchObject({ name: "variable" });
  });

  it("reads the file where the variable is absent, as wait has it since v3.6", async () => {
    const at = await temporaryPaths();
    await put(at.template, '{"name":"file","container":{}}');
    expect(await readTemplate({ template: undefined }, at)).toMatchObject({ name: "file" });
  });

  it("reads the ConfigMap a long template was offloaded to", async () => {
    const at = await temporaryPaths();
    await put(join(at.offloadedConfig, "ARGO_TEMPLATE"), '{"name":"long"}');
    expect(await readTemplate({ template: "offloaded" }, at)).toMatchObject({ name: "long" });
  });

  it("says which file is missing, and why it was the one to read", async () => {
    const at = await temporaryPaths();
    await expect(readTemplate({ template: undefined }, at)).rejects.toThrow(
      `cannot read the template: open ${at.template}: no such file or directory ` +
        "(the environment variable ARGO_TEMPLATE is absent)",
    );
    await expect(readTemplate({ template: "offloaded" }, at)).rejects.toThrow(/says "offloaded"/);
  });

  it("says where a malformed template came from", async () => {
    await expect(readTemplate({ template: "{" }, await temporaryPaths())).rejects.toThrow(
      /^template in the environment variable ARGO_TEMPLATE is not JSON/,
    );
  });
});
