/**
 * A bounded resource that callers share: how much of it each holds, and what to say where there is no more: how long parts
 * are held tells when one will be free.
 */

import { LogahError } from '../../errors';
import { Pace } from './pace';
import { WaitingLine } from './waiting-line';

/** Advice to try again is never to do so at once, nor so late that callers give up. */
const SOONEST_MS = 50;
const LATEST_MS = 30_000;

/** What is assumed of how long a part is held before any has been released. */
const UNKNOWN_MS = 1000;

/** Who holds a part. */
export interface Holder {
  readonly identity: string;
  /** For logs and metrics; empty or undefined: nobody asked. */
  readonly name?: string;
}

/** A part of a budget that is held until it is released; releasing it twice does no harm. */
export interface Lease {
  readonly amount: number;
  /** Holds more, or less; one that was released stays so. Throws as `take`. */
  resize(amount: number): void;
  release(): void;
}

/** How a budget is called. */
export interface BudgetWords {
  /** What there is a limit of, in the plural: "streams are in flight". */
  readonly held: string;
  /** The setting to change. */
  readonly setting: string;
  /** Whether what becomes free is kept for callers that were refused, from those that hold more; default: it is not. */
  readonly inTurns?: boolean;
}

export class Budget {
  readonly limit: number;
  readonly #words: BudgetWords;
  readonly #heldBy = new Map<string, number>();
  readonly #pace = new Pace();
  readonly #line = new WaitingLine();
  readonly #now: () => number;
  #used = 0;
  #leases = 0;
  /** When a part was last released, or the first of those that are held now was taken. */
  #since = 0;

  /** `now`: a clock, in milliseconds. */
  constructor(limit: number, words: BudgetWords, now = (): number => performance.now()) {
    this.limit = limit;
    this.#words = words;
    this.#now = now;
  }

  get used(): number {
    return this.#used;
  }

  /** How many callers hold a part. */
  get holders(): number {
    return this.#heldBy.size;
  }

  /** When a part of what a caller itself holds may be free, in milliseconds. */
  retryAfterMs(caller: Holder): number {
    return bounded((this.#pace.meanMs ?? UNKNOWN_MS) / Math.max(1, this.usedBy(caller)));
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
    this.#line.arrived(caller.identity);
    const taken = this.#now();
    if (this.#leases++ === 0) this.#since = taken;
    let held = amount;
    let isHeld = true;
    return {
      get amount() {
        return held;
      },
      resize: (wanted) => {
        if (!isHeld) return;
        this.#add(caller, wanted - held);
        held = wanted;
      },
      release: () => {
        if (!isHeld) return;
        this.#add(caller, -held);
        held = 0;
        isHeld = false;
        this.#leases--;
        const now = this.#now();
        this.#since = now;
        this.#pace.took(now - taken);
      },
    };
  }

  #add(caller: Holder, amount: number): void {
    const { identity } = caller;
    if (amount > 0) this.#require(caller, amount);
    this.#used += amount;
    const own = (this.#heldBy.get(identity) ?? 0) + amount;
    if (own > 0) this.#heldBy.set(identity, own);
    else this.#heldBy.delete(identity);
  }

  #require(caller: Holder, amount: number): void {
    const { identity } = caller;
    const { held, setting, inTurns = false } = this.#words;
    const kept = inTurns
      ? Math.min(
          Math.ceil(this.limit / 2),
          this.#line.keptFrom(identity, (other) => this.usedBy({ identity: other }), this.#now()),
        )
      : 0;
    const missing = this.#used + kept + amount - this.limit;
    if (missing <= 0) return;
    const forOthers = kept > 0 ? `, and ${kept} more are kept for callers that have fewer` : '';
    throw new LogahError(
      'resource_exhausted',
      `${this.#used} ${held}${forOthers}; this server allows ${this.limit} (${setting})`,
      { retryAfterMs: this.#tell(caller, amount, missing) },
    );
  }

  #tell({ identity }: Holder, amount: number, missing: number): number {
    const turnMs = this.#turnMs();
    const typical = this.#used / Math.max(1, this.#leases) || 1;
    const first = bounded(Math.ceil(missing / typical) * turnMs);
    const times = { first, turnMs: Math.max(1, amount / typical) * turnMs, mostMs: LATEST_MS };
    return this.#line.tell(identity, amount, times, this.#now());
  }

  /** From one release to the next: of so many parts that are held for so long, or as long as the last one has been. */
  #turnMs(): number {
    const usual = (this.#pace.meanMs ?? UNKNOWN_MS) / Math.max(1, this.#leases);
    return Math.max(usual, this.#now() - this.#since);
  }
}

function bounded(ms: number): number {
  return Math.round(Math.min(LATEST_MS, Math.max(SOONEST_MS, ms)));
}
