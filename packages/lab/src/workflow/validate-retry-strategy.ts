import { parseRetryStrategy } from "./retry-strategy.ts";
import { tagsOf, textsOf } from "./tags.ts";
import type { TemplateCheck } from "./template-check.ts";

/** Checks what can be read of a retryStrategy before its tags have values. */
export function validateRetryStrategy({ template, report }: TemplateCheck): void {
  const { retryStrategy } = template;
  if (!retryStrategy || [...textsOf(retryStrategy)].some(({ text }) => tagsOf(text).length > 0)) return;
  const rules = parseRetryStrategy(retryStrategy);
  if (!Array.isArray(rules)) return;
  for (const { field, message } of rules) report(["retryStrategy", ...field], message);
}
