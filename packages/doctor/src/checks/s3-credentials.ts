import { ok, skip } from "../check.ts";
import { describeCredentials, s3Check } from "../s3-failures.ts";

/** Whether there are keys to sign with; whether the store takes them is seen by what follows. */
export const s3Credentials = s3Check({
  id: "s3-credentials",
  title: "S3 credentials",
  needs: ["settings", "repository"],
  stuck: {
    say: "the source of credentials does not answer: let pods reach STS and the metadata service 169.254.169.254 (docs/install.md, Network), or name keys with accessKeySecret and secretKeySecret",
  },
  stuckOutside: {
    say: "the source of credentials does not answer this machine: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or name the secret with --access-key-secret and --secret-key-secret",
  },
  async run(examination, { signal }) {
    const at = (await examination.repository()).location?.s3;
    if (!at) return skip("the artifact repository is not in S3");
    const store = await examination.store();
    await store.authenticate(signal);
    return ok(describeCredentials(at, store.credentialSource, examination.env));
  },
});
