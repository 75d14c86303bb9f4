/** @typedef {import("./page-types.ts").PageRow} PageRow */
/** @typedef {import("./page-types.ts").PageAttributes} PageAttributes */

/**
 * What can be found in a row, one fact a line, in lower case: `loadartifact source`, `aws.s3.bucket=skein`, …
 * @param {PageRow} row
 * @param {readonly PageAttributes[]} resources
 */
export function searchText(row, resources) {
  const lines = [`${row.n} ${row.t ?? ""}`, row.m ?? "", row.phase ?? "", row.id ?? "", row.scope ?? ""];
  const addAll = (/** @type {PageAttributes} */ attributes) => {
    for (const [key, value] of attributes) lines.push(`${key}=${value}`);
  };
  addAll(row.a ?? []);
  for (const event of row.v ?? []) {
    lines.push(event.name);
    addAll(event.attributes);
  }
  if (row.r !== undefined) addAll(resources[row.r] ?? []);
  return lines.join("\n").toLowerCase();
}

/**
 * A search over the rows. The text of each is put together once, when the first search comes.
 * @param {readonly PageRow[]} rows
 * @param {readonly PageAttributes[]} resources
 * @returns {(query: string) => number[]} gives the indexes of rows that have every word of the query
 */
export function createSearch(rows, resources) {
  /** @type {string[] | undefined} */
  let texts;
  return (query) => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    texts ??= rows.map((row) => searchText(row, resources));
    const found = [];
    for (let index = 0; index < rows.length; index += 1) {
      const text = texts[index] ?? "";
      if (words.every((word) => text.includes(word))) found.push(index);
    }
    return found;
  };
}
