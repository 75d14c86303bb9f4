import { ArtifactError } from "@skein/contract";
import { ok, warn } from "../check.ts";
import { s3Check } from "../s3-failures.ts";

/** `ListObjectsV2` below the probe's prefix: shows whether bucket, keys and region are right. */
export const s3List = s3Check({
  id: "s3-list",
  title: "S3 list",
  needs: ["s3-endpoint", "s3-credentials"],
  async run(examination, { signal }) {
    const store = await examination.store();
    const { location } = await examination.repository();
    const prefix = (await examination.probeKey()).replace(/[^/]*$/, "");
    const where = `s3://${location?.s3?.bucket}/${prefix}`;
    try {
      const { objects } = await store.requests.list(prefix, { signal, limit: 1 });
      return ok(`${where}: ${objects.length > 0 ? "allowed" : "allowed, nothing there"}`);
    } catch (error) {
      const isMissing = error instanceof ArtifactError && error.code === "s3.no_such_bucket";
      if (!isMissing || !location?.s3?.createBucketIfNotPresent) throw error;
      return warn(
        `the bucket ${location.s3.bucket} is not there; createBucketIfNotPresent makes it with the first artifact`,
        "nothing to do where executors may create buckets (s3:CreateBucket); else create it",
      );
    }
  },
});
