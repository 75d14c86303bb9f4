/** A share of a {@link Semaphore}, to be given back. */
export interface Reservation {
  /** Gives back all but `amount`; never takes more. */
  shrinkTo(amount: number): void;
  /** Gives back what is left. Doing it twice does no harm. */
  release(): void;
}

interface Waiter {
  amount: number;
  grant: () => void;
}

/**
 * A number of things shared by everything that moves at once: bytes of memory, or requests in flight.
 * First come, first served, so nobody starves. A wish for more than there is gets all of it, alone.
 */
export class Semaphore {
  readonly capacity: number;
  #free: number;
  #waiters: Waiter[] = [];

  constructor(capacity: number) {
    if (!(capacity > 0)) throw new RangeError(`a semaphore needs a positive capacity, got ${capacity}`);
    this.capacity = capacity;
    this.#free = capacity;
  }

  /** What nobody holds at the moment. */
  get free(): number {
    return this.#free;
  }

  /** Waits until `amount` is free. Rejects with the signal's reason when that comes first. */
  async acquire(amount: number, signal?: AbortSignal): Promise<Reservation> {
    signal?.throwIfAborted();
    const wanted = Math.min(amount, this.capacity);
    if (this.#waiters.length === 0 && wanted <= this.#free) this.#free -= wanted;
    else await this.#wait(wanted, signal);
    return this.#reservation(wanted);
  }

  /** Runs `work` with one unit held. */
  async use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const reservation = await this.acquire(1, signal);
    try {
      return await work();
    } finally {
      reservation.release();
    }
  }

  #wait(amount: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal?.reason);
        this.#serve();
      };
      const waiter: Waiter = {
        amount,
        grant: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiters.push(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #reservation(amount: number): Reservation {
    let held = amount;
    const shrinkTo = (rest: number): void => {
      if (rest >= held) return;
      this.#free += held - rest;
      held = rest;
      this.#serve();
    };
    return { shrinkTo, release: () => shrinkTo(0) };
  }

  #serve(): void {
    for (;;) {
      const next = this.#waiters[0];
      if (!next || next.amount > this.#free) return;
      this.#waiters.shift();
      this.#free -= next.amount;
      next.grant();
    }
  }
}
