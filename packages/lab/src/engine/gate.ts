/** Lets at most so many in at a time, in the order they came. */
export interface Gate {
  /** Resolves with the place taken; leaving scope gives it back. */
  enter(): Promise<AsyncDisposable>;
}

/** @param limit `undefined` or 0 lets everybody in, as Argo's `parallelism` does */
export function createGate(limit: number | undefined): Gate {
  const places = limit || Number.POSITIVE_INFINITY;
  const waiting: (() => void)[] = [];
  let inside = 0;
  const leave = async (): Promise<void> => {
    inside -= 1;
    waiting.shift()?.();
  };
  return {
    enter: async () => {
      // A place that was just given back belongs to whoever waits already.
      while (inside >= places) await new Promise<void>((resolve) => waiting.push(resolve));
      inside += 1;
      return { [Symbol.asyncDispose]: leave };
    },
  };
}
