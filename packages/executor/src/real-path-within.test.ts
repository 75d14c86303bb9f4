import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { realPathWithin, refuseWayOut } from "./real-path-within.ts";
import { put, temporaryDirectory } from "./test-support.ts";

describe("realPathWithin", () => {
  it("follows links that stay inside", async () => {
    const root = await temporaryDirectory();
    const file = await put(join(root, "volume/real"), "x");
    await symlink("real", join(root, "volume/link"));
    expect(await realPathWithin(join(root, "volume/link"), join(root, "volume"))).toBe(file);
  });

  it.each(["/argo-like/secret", "../../argo/secret"])("refuses a link to %s", async (target) => {
    const root = await temporaryDirectory();
    const secret = await put(join(root, "argo/secret"), "canary");
    await put(join(root, "volume/sub/x"), "");
    const link = join(root, "volume/sub/link");
    await symlink(target.startsWith("/") ? secret : target, link);
    await expect(realPathWithin(link, join(root, "volume"))).rejects.toMatchObject({
      code: "archive.path_escape",
      message: expect.stringContaining("outside"),
    });
  });

  it("refuses a path that goes through a linked directory", async () => {
    const root = await temporaryDirectory();
    await put(join(root, "argo/secret"), "canary");
    await put(join(root, "volume/x"), "");
    await symlink(join(root, "argo"), join(root, "volume/dir"));
    await expect(realPathWithin(join(root, "volume/dir/secret"), join(root, "volume"))).rejects.toMatchObject(
      { code: "archive.path_escape" },
    );
  });

  it("does not take a sibling whose name begins alike for the inside", async () => {
    const root = await temporaryDirectory();
    await put(join(root, "volume/x"), "");
    const other = await put(join(root, "volume2/x"), "");
    await expect(realPathWithin(other, join(root, "volume"))).rejects.toMatchObject({
      code: "archive.path_escape",
    });
  });

  it("tells a missing file as Go does", async () => {
    const root = await temporaryDirectory();
    await expect(realPathWithin(join(root, "none"), root)).rejects.toMatchObject({
      message: `open ${root}/none: no such file or directory`,
      code: "file.not_found",
    });
    await expect(realPathWithin(join(root, "none"), root, "stat")).rejects.toThrow("stat ");
  });
});

describe("refuseWayOut", () => {
  it("refuses a new place behind a link that an earlier step left in the volume", async () => {
    const root = await temporaryDirectory();
    await put(join(root, "run/template"), "{}");
    await put(join(root, "volume/x"), "");
    await symlink(join(root, "run"), join(root, "volume/l"));
    for (const path of ["volume/l/template", "volume/l/new/deep"]) {
      await expect(refuseWayOut(join(root, path), join(root, "volume"))).rejects.toMatchObject({
        code: "archive.path_escape",
      });
    }
  });

  it("lets pass what is not there yet, and links that stay inside", async () => {
    const root = await temporaryDirectory();
    await put(join(root, "volume/real/x"), "");
    await symlink("real", join(root, "volume/link"));
    await refuseWayOut(join(root, "volume/new/deep/file"), join(root, "volume"));
    await refuseWayOut(join(root, "volume/link/new"), join(root, "volume"));
  });
});
