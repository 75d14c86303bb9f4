/**
 * Argo's `AnyString`: a JSON string, number or boolean, always kept as text (contract §5.2).
 * Numbers go through a 64-bit float and are written plainly, without exponent: `1e3` is `1000`, `1.50` is `1.5`.
 * Anything else (null, object, array) gives `undefined`.
 */
export function anyString(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return String(value);
    case "number":
      return plainDecimal(value);
    default:
      return undefined;
  }
}

function plainDecimal(value: number): string {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign = "", lead = "", fraction = "", exponentText = "0"] = match;
  const digits = lead + fraction;
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, "0");
}
