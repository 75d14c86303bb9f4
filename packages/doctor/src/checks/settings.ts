import { type Check, ok } from "../check.ts";
import { judgeVariables } from "../variables.ts";

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
    return judgeVariables(examination.env, true) ?? ok(own.sort().join(", ") || "none are set");
  },
};
