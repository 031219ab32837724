/** A bounded resource that callers share: how much of it each holds, and what to say where there is no more. */

import { LogahError } from '../../errors';

const RETRY_AFTER_MS = 1000;

/** Who holds a part. */
export interface Holder {
  readonly identity: string;
  /** For logs and metrics; empty or undefined: nobody asked. */
  readonly name?: string;
}

/** A part of a budget that is held until it is released; releasing it twice does no harm. */
export interface Lease {
  readonly amount: number;
  /** Holds more, or less. Throws as `take`. */
  resize(amount: number): void;
  release(): void;
}

/** How a budget is called. */
export interface BudgetWords {
  /** What there is a limit of, in the plural: "streams are in flight". */
  readonly held: string;
  /** The setting to change. */
  readonly setting: string;
}

export class Budget {
  readonly limit: number;
  readonly #words: BudgetWords;
  readonly #heldBy = new Map<string, number>();
  #used = 0;

  constructor(limit: number, words: BudgetWords) {
    this.limit = limit;
    this.#words = words;
  }

  get used(): number {
    return this.#used;
  }

  /** When a part may be free again, in milliseconds. */
  get retryAfterMs(): number {
    return RETRY_AFTER_MS;
  }

  /** What one caller holds. */
  usedBy({ identity }: Holder): number {
    return this.#heldBy.get(identity) ?? 0;
  }

  /** The caller that holds the most, and how much; undefined where nobody holds any. */
  get largest(): { readonly identity: string; readonly amount: number } | undefined {
    let found: { identity: string; amount: number } | undefined;
    for (const [identity, amount] of this.#heldBy) {
      if (found === undefined || amount > found.amount) found = { identity, amount };
    }
    return found;
  }

  /** Holds `amount`. Throws LogahError (resource_exhausted), with advice to try again, where that is too much. */
  take(caller: Holder, amount = 1): Lease {
    this.#add(caller, amount);
    let held = amount;
    return {
      get amount() {
        return held;
      },
      resize: (wanted) => {
        this.#add(caller, wanted - held);
        held = wanted;
      },
      release: () => {
        this.#add(caller, -held);
        held = 0;
      },
    };
  }

  #add({ identity }: Holder, amount: number): void {
    if (amount > 0 && this.#used + amount > this.limit) {
      const { held, setting } = this.#words;
      throw new LogahError(
        'resource_exhausted',
        `${this.#used} ${held}; this server allows ${this.limit} (${setting})`,
        { retryAfterMs: this.retryAfterMs },
      );
    }
    this.#used += amount;
    const own = (this.#heldBy.get(identity) ?? 0) + amount;
    if (own > 0) this.#heldBy.set(identity, own);
    else this.#heldBy.delete(identity);
  }
}
