import { ArtifactError, errorMessage } from "@skein/contract";
import { ok, skip, warn } from "../check.ts";
import { shorten } from "../explain-error.ts";
import { endpointOption, s3Check } from "../s3-failures.ts";

const RULE = {
  Rules: [
    {
      ID: "unfinished-uploads",
      Status: "Enabled",
      Filter: { Prefix: "" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
    },
  ],
};

/** Whether what killed containers have begun to upload goes away some day: nobody sees it, and it is paid for. */
export const s3Lifecycle = s3Check({
  id: "s3-lifecycle",
  title: "S3 unfinished uploads",
  needs: ["s3-endpoint", "s3-credentials"],
  after: ["s3-list"],
  async run(examination, { signal, found }) {
    const { location } = await examination.repository();
    if (!location?.s3) return skip("the artifact repository is not in S3");
    const listed = found.get("s3-list");
    if (listed?.status === "warn") return skip("the bucket is not there yet");
    // What is wrong there is said there; only the right to list is nothing that matters here.
    if (listed?.status === "fail" && listed.code !== "s3.access_denied") return skip("s3-list comes first");
    const { server = "" } = await examination.greeting();
    if (/^MinIO/i.test(server)) return skip("MinIO ends unfinished uploads after a day by itself");
    const store = await examination.store();
    try {
      const days = await store.unfinishedUploadDays(await examination.probeKey(), { signal });
      if (days !== undefined) return ok(`ended after ${days} ${days === 1 ? "day" : "days"}`);
    } catch (error) {
      signal.throwIfAborted();
      return skip(whyUnknown(error));
    }
    return warn(
      "no rule of the bucket ends uploads that nobody completes: what a killed container has sent stays, unseen and paid for",
      "give the bucket a rule (this command replaces those it has: docs/install.md, The bucket)",
      [
        `aws s3api put-bucket-lifecycle-configuration --bucket ${location.s3.bucket} --lifecycle-configuration '${JSON.stringify(RULE)}'${endpointOption(location.s3)}`,
      ],
    );
  },
});

/** Executors do without this right, and some stores without such rules: none of it is a failure. */
function whyUnknown(error: unknown): string {
  const message = errorMessage(error);
  if (error instanceof ArtifactError && error.code === "s3.access_denied")
    return "these credentials may not read the bucket's rules (s3:GetLifecycleConfiguration), and need not";
  const isUnknown = /\((405|501)|NotImplemented|MethodNotAllowed/.test(message);
  return isUnknown ? "the store has no lifecycle rules" : shorten(message);
}
