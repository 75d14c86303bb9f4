const TAG = /\{\{([\s\S]*?)\}\}/g;

/** The names between `{{` and `}}`, trimmed. An expression (`{{=…}}`) keeps its `=`. */
export function tagsOf(text: string): string[] {
  return Array.from(text.matchAll(TAG), ([, name = ""]) => name.trim());
}

/** The only tag of a text that consists of nothing else; as `from` and `valueFrom.parameter` have it. */
export function soleTag(text: string): string | undefined {
  const match = /^\{\{([^{}]*)\}\}$/.exec(text.trim());
  return match?.[1]?.trim();
}

/** Looks a tag's value up. */
export type Lookup = (name: string) => string | undefined;

/**
 * A copy in which every tag of every text, at any depth, has been replaced. Argo replaces in the object's JSON, which comes to the
 * same: the values take their place inside texts only. A tag without a value stays as it is.
 */
export function substitute<T>(value: T, lookup: Lookup): T {
  return mapTexts(value, (text) =>
    text.replace(TAG, (tag: string, name: string) => lookup(name.trim()) ?? tag),
  );
}

/** A copy with every text, at any depth, passed through `change`. Keys of objects stay. */
function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)])) as T;
}

/** Every text within a value, with the path to it. */
export function* textsOf(value: unknown, path: Path = []): Generator<{ text: string; path: Path }> {
  if (typeof value === "string") yield { text: value, path };
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(item, [...path, index]);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* textsOf(item, [...path, key]);
  }
}

/** The way to a value in a document: field names and list indices. */
export type Path = readonly (string | number)[];
