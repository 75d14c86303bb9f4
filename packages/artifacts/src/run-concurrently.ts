/**
 * Runs `work` for every item, at most `limit` at a time, taking the next item only when there is room for it.
 * The first failure stops the rest through their signal and is thrown once all of them have ended.
 */
export async function runConcurrently<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: { limit: number; signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const siblings = new AbortController();
  const signal = AbortSignal.any([options.signal, siblings.signal]);
  const running = new Set<Promise<void>>();
  // Not a race of all of them: with thousands of items, each would leave a reaction on every other.
  let ended: () => void = () => {};
  let failure: { reason: unknown } | undefined;
  const fail = (reason: unknown): void => {
    failure ??= { reason };
    siblings.abort(reason);
  };
  try {
    for await (const item of items) {
      if (failure) break;
      signal.throwIfAborted();
      const task: Promise<void> = work(item, signal)
        .catch(fail)
        .then(() => {
          running.delete(task);
          ended();
        });
      running.add(task);
      if (running.size < options.limit) continue;
      await new Promise<void>((resolve) => {
        ended = resolve;
      });
    }
  } catch (reason) {
    fail(reason);
  }
  await Promise.all(running); // nothing of ours runs after we have thrown
  if (failure) throw failure.reason;
}
