import { type Check, fail, ok, warn } from "../check.ts";

/** Docs/compatibility.md. */
const DRIVERS = ["s3", "git", "http", "artifactory", "raw"];

/** Which artifact repository there is, and whether Skein can use it. */
export const artifactRepository: Check = {
  id: "repository",
  title: "artifact repository",
  stuck: {
    say: "the API server does not answer for the ConfigMaps that name it: give it with --repository FILE",
  },
  async run(examination) {
    const { location, type, from } = await examination.repository();
    if (location === undefined || type === undefined) {
      return warn(
        `none found in ${from || "a template, and there is no API server to ask"}`,
        "workflows without artifacts and logs need none; for others, say where it is (--repository FILE, or --bucket and --endpoint), or configure one: https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/",
      );
    }
    if (!DRIVERS.includes(type)) {
      return fail(
        `${type}, from ${from}`,
        `Skein has no driver for ${type}, only for ${DRIVERS.join(", ")}: keep Argo's executor for workflows that use it (docs/install.md, steps 1 and 2), or use the S3 interface of that store`,
      );
    }
    const { s3 } = location;
    if (!s3) return ok(`${type}, from ${from}; access to it is not tried`);
    if (!s3.bucket)
      return fail(`s3 without a bucket, from ${from}`, "add bucket: NAME to it, or give --bucket");
    if (!s3.endpoint) {
      return fail(
        `s3 bucket ${s3.bucket} without an endpoint, from ${from}`,
        "add endpoint: HOST[:PORT] to it, or give --endpoint; Amazon's is s3.amazonaws.com",
      );
    }
    const [, scheme, user = "", host] = /^([a-z]+):\/\/(?:(.*)@)?([^/]*)/i.exec(s3.endpoint) ?? [];
    if (scheme !== undefined) {
      return fail(
        // Whoever writes a URL may have written keys into it.
        `s3 bucket ${s3.bucket} at ${user ? `${scheme}://…@${host}` : s3.endpoint}, from ${from}`,
        "an endpoint is a host, with a port where that is needed, and no URL: set in the repository's s3",
        [`endpoint: ${host}`, ...(scheme.toLowerCase() === "http" ? ["insecure: true"] : [])],
      );
    }
    return ok(`s3 bucket ${s3.bucket} at ${s3.endpoint}, from ${from}`);
  },
};
