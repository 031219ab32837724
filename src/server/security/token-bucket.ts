/**
 * Rates. What a call costs is known when it has ended, so a bucket may be overdrawn: whoever has used more than its share
 * waits until that is paid for. (Libraries for rates count in windows, and forget what goes beyond one.)
 */

const MINUTE_MS = 60_000;

/** So much a minute; a minute's worth at once. */
export class TokenBucket {
  readonly #perMinute: number;
  #left: number;
  #at: number;

  constructor(perMinute: number, now = performance.now()) {
    this.#perMinute = perMinute;
    this.#left = perMinute;
    this.#at = now;
  }

  /** Milliseconds until `amount`, at most a minute's worth, is there; 0: it is. */
  waitMs(amount: number, now = performance.now()): number {
    this.#fill(now);
    const missing = Math.min(amount, this.#perMinute) - this.#left;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perMinute) * MINUTE_MS);
  }

  /** Takes an amount, whether or not it is there. */
  take(amount: number, now = performance.now()): void {
    this.#fill(now);
    this.#left -= amount;
  }

  #fill(now: number): void {
    this.#left = Math.min(this.#perMinute, this.#left + ((now - this.#at) / MINUTE_MS) * this.#perMinute);
    this.#at = now;
  }
}
