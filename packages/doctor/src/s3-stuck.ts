import type { Fix } from "./check.ts";

/** What it means when a store that has greeted us does not answer a signed request. */
export const S3_STUCK: Fix = {
  say: "the store was reached and does not answer this request: look at its logs and load, and at proxies between; --timeout SECONDS gives it longer",
};
