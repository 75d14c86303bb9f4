import { type Check, ok, skip, warn } from "../check.ts";

/** Whether the region that is configured is the bucket's own. */
export const s3Region: Check = {
  id: "s3-region",
  title: "S3 region",
  needs: ["s3-endpoint"],
  // Their refusals name it.
  after: ["s3-list", "s3-put"],
  stuck: { say: "nothing here waits for anybody; please report it" },
  async run(examination) {
    const { location } = await examination.repository();
    if (!location?.s3) return skip("the artifact repository is not in S3");
    const { address, ...stranger } = await examination.storeToStrangers();
    const region = (await examination.store().catch(() => undefined))?.region ?? stranger.region;
    const shown = (await examination.greeting()).region ?? region;
    const { region: configured } = location.s3;
    if (configured === shown) return ok(shown);
    // Amazon's endpoints have the region in their names.
    if (!configured && address.hostname.includes(shown)) return ok(`${shown}, from the endpoint`);
    if (!configured && region === "us-east-1") return ok(`none is configured, and ${region} is taken`);
    return warn(
      `${configured ? `${configured} is configured` : "none is configured"}, and the bucket is in ${shown}: every pod finds that out by a refused request`,
      "set in the repository's s3",
      [`region: ${shown}`],
    );
  },
};
