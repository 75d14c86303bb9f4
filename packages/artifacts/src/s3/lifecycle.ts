import type { LifecycleRule } from "@aws-sdk/client-s3";

/**
 * Days after which the first rule to do so ends an upload of the key that was never completed. Rules that are switched off, and those
 * for objects with certain tags or sizes – an upload has neither yet – do not.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
 */
export function unfinishedUploadDays(rules: readonly LifecycleRule[], key: string): number | undefined {
  const days = rules.flatMap((rule) => {
    const after = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
    return after !== undefined && rule.Status === "Enabled" && covers(rule, key) ? [after] : [];
  });
  return days.length > 0 ? Math.min(...days) : undefined;
}

/** Older rules have their prefix beside the filter. */
function covers({ Filter: filter, Prefix: own = "" }: LifecycleRule, key: string): boolean {
  if (!filter) return key.startsWith(own);
  const { And, Tag, ObjectSizeGreaterThan, ObjectSizeLessThan, Prefix = own } = filter;
  if (And ?? Tag ?? ObjectSizeGreaterThan ?? ObjectSizeLessThan) return false;
  return key.startsWith(Prefix);
}
