import { type Check, ok, RUN_IN_A_POD, skip } from "../check.ts";

/** Whether the variables that executors go by can be read as what they are. */
export const settings: Check = {
  id: "settings",
  title: "variables",
  stuck: { say: "nothing here waits for anybody; please report it" },
  async run(examination) {
    examination.settings(); // throws, and names the variable
    const own = Object.keys(examination.env).filter((name) =>
      /^(SKEIN_(?!FRONT$)|OTEL_|ARTIFACT_S3_|EXECUTOR_RETRY_|SSH_KNOWN_HOSTS$|TRANSIENT_ERROR_PATTERN$|(https?|no)_proxy$)/i.test(
        name,
      ),
    );
    if (own.length > 0) return ok(own.sort().join(", "));
    return examination.inPod ? ok("none are set") : skip(RUN_IN_A_POD);
  },
};
