import { type Check, ok, warn } from "../check.ts";

/** Switches that executors pass over, with a line in their log at most, when a value means nothing to them. */
const SWITCHES: Readonly<Record<string, readonly string[]>> = {
  SKEIN_TRACE: ["off", "phases", "artifacts", "files"],
  SKEIN_TRACE_STORE: ["true", "false"],
  SKEIN_TRACE_TO_MAIN: ["true", "false"],
};

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
    for (const [name, values] of Object.entries(SWITCHES)) {
      const value = examination.env[name] ?? "";
      if (value === "" || values.includes(value.toLowerCase())) continue;
      return warn(
        `${name} is "${value}", which means nothing`,
        `set it to ${values.join(" or ")}, or take it out`,
      );
    }
    return ok(own.sort().join(", ") || "none are set");
  },
};
