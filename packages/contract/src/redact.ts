/** Shorter values would be found, and blotted out, in words that have nothing to do with them. */
const MIN_LENGTH = 8;
const MIN_LINE_LENGTH = 16;

/**
 * Everything that this process has read and must not print. One for the whole process: what is secret in one part of
 * it is secret in all of them, and the text that betrays it comes from outside, from a server that says what it was sent.
 */
const forms = new Set<string>();

/** From now on {@link redactSecrets} takes the value out of texts, in every form a text may have it in. */
export function rememberSecret(value: string | Uint8Array): void {
  const bytes = Buffer.from(value);
  const text = bytes.toString();
  for (const variant of new Set([text, text.trim()])) {
    if (variant.length < MIN_LENGTH) continue;
    forms.add(variant);
    forms.add(JSON.stringify(variant).slice(1, -1));
    forms.add(encodeURIComponent(variant));
    forms.add(Buffer.from(variant).toString("base64"));
    // A key in PEM is betrayed by any line of it.
    for (const line of variant.split(/\r?\n/)) {
      if (line.length >= MIN_LINE_LENGTH && !line.startsWith("-----")) forms.add(line);
    }
  }
  if (bytes.length >= MIN_LENGTH) forms.add(bytes.toString("base64"));
}

/** The text with `[redacted]` for every secret that is known. */
export function redactSecrets(text: string): string {
  let redacted = text;
  // Longer ones first: a secret may be a part of another one.
  for (const form of [...forms].sort((a, b) => b.length - a.length)) {
    if (redacted.includes(form)) redacted = redacted.replaceAll(form, "[redacted]");
  }
  return redacted;
}
