// Math.max takes as many numbers as the stack has room for; a trace can have more.

/**
 * The greatest value, and never less than `least`.
 * @template T
 * @param {Iterable<T>} items
 * @param {(item: T) => number} measure
 * @param {number} [least]
 */
export function maxOf(items, measure, least = 0) {
  let most = least;
  for (const item of items) most = Math.max(most, measure(item));
  return most;
}

/**
 * The least value; infinite when there are no items.
 * @template T
 * @param {Iterable<T>} items
 * @param {(item: T) => number} measure
 */
export function minOf(items, measure) {
  let least = Number.POSITIVE_INFINITY;
  for (const item of items) least = Math.min(least, measure(item));
  return least;
}
