import { ATTRIBUTES } from "./attribute-names.ts";
import type { OtlpAnyValue, OtlpKeyValue } from "./otlp-span.ts";
import type { Attributes, AttributeValue } from "./tracing.ts";

/** JavaScript cannot tell 2.0 from 2; the table of names can. */
const DOUBLE_KEYS: ReadonlySet<string> = new Set(
  Object.values(ATTRIBUTES)
    .filter((definition) => definition.type === "double")
    .map((definition) => definition.key),
);

/** Attributes in OTLP's JSON; absent values and numbers that are none are left out. */
export function encodeAttributes(attributes: Attributes): OtlpKeyValue[] {
  const pairs: OtlpKeyValue[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || Number.isNaN(value)) continue;
    pairs.push({ key, value: encodeValue(value, DOUBLE_KEYS.has(key)) });
  }
  return pairs;
}

function encodeValue(value: AttributeValue, isDouble: boolean): OtlpAnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return isDouble || !Number.isInteger(value) ? { doubleValue: value } : { intValue: String(value) };
  }
  return { arrayValue: { values: value.map((item) => encodeValue(item, isDouble)) } };
}

export function decodeAttributes(pairs: readonly OtlpKeyValue[] | undefined): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const { key, value } of pairs ?? []) {
    const decoded = decodeValue(value);
    if (decoded !== undefined) attributes[key] = decoded;
  }
  return attributes;
}

function decodeValue(value: OtlpAnyValue): AttributeValue | undefined {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return value.doubleValue;
  if (value.boolValue !== undefined) return value.boolValue;
  return value.arrayValue?.values?.map((item) => String(decodeValue(item)));
}
