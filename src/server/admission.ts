/** Admits a bounded number of streams: work that cannot start soon is refused at once, with advice. */

import { LogahError } from '../errors';

const RETRY_AFTER_MS = 1000;

export class Admission {
  readonly #limit: number;
  #active = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Streams admitted and not yet done. */
  get active(): number {
    return this.#active;
  }

  /** Runs `work` as an admitted stream. Throws LogahError (resource_exhausted) where there is no room. */
  async admit<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#active >= this.#limit) {
      throw new LogahError(
        'resource_exhausted',
        `${this.#active} streams are in flight; this server allows ${this.#limit} (--max-streams)`,
        { retryAfterMs: RETRY_AFTER_MS },
      );
    }
    this.#active++;
    try {
      return await work();
    } finally {
      this.#active--;
    }
  }
}
