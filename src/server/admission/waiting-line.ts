/**
 * Callers that were refused and told when to come again. Callers take turns in it as they do elsewhere, so that not all come
 * at once, and one that asks again and again waits behind itself alone. What becomes free meanwhile is kept for those who
 * hold less than who asks.
 */

/** How much later than it was told a caller may come and still find what was kept for it; clients add up to a quarter. */
const LATE_SHARE = 0.3;
const LATE_MS = 1000;

/** Callers that are remembered; more come as they please. */
const MOST_CALLERS = 1000;

interface Told {
  /** When it may come, as `performance.now` has it. */
  readonly at: number;
  /** When nothing is kept for it any more. */
  readonly until: number;
  readonly amount: number;
}

/** In milliseconds. */
export interface Times {
  /** What the next in line waits. */
  readonly first: number;
  /** What each turn of another before it takes. */
  readonly turnMs: number;
  readonly mostMs: number;
}

export class WaitingLine {
  readonly #told = new Map<string, Told>();

  /** Milliseconds after which a caller may come again for an amount. */
  tell(caller: string, amount: number, { first, turnMs, mostMs }: Times, now: number): number {
    this.#forget(now);
    const before = this.#told.get(caller);
    const others = this.#told.size - (before === undefined ? 0 : 1);
    const turn =
      before !== undefined && before.at > now
        ? before.at - now + turnMs * (others + 1)
        : first + turnMs * others;
    const wait = Math.round(Math.min(mostMs, turn));
    if (before !== undefined || this.#told.size < MOST_CALLERS) {
      const until = now + wait * (1 + LATE_SHARE) + LATE_MS;
      this.#told.set(caller, { at: now + wait, until, amount });
    }
    return wait;
  }

  /** A caller has got what it waited for. */
  arrived(caller: string): void {
    this.#told.delete(caller);
  }

  /** What is kept for others than `caller`: those that hold less than it does, as `held` tells. */
  keptFrom(caller: string, held: (caller: string) => number, now: number): number {
    if (this.#told.size === 0) return 0;
    this.#forget(now);
    const own = held(caller);
    let kept = 0;
    for (const [other, { amount }] of this.#told) if (other !== caller && held(other) < own) kept += amount;
    return kept;
  }

  #forget(now: number): void {
    for (const [caller, { until }] of this.#told) if (until <= now) this.#told.delete(caller);
  }
}
